// Command workload is a small server that needs some privileges: it makes a folder
// its user's, becomes that user, writes a file for each request and serves on a port.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "child" {
		return // a process so short that nobody would see it by looking
	}
	must(os.MkdirAll("/var/lib/app", 0o755))
	if os.Getuid() == 0 && len(os.Args) < 2 {
		must(os.Chown("/var/lib/app", 1000, 1000))
		must(syscall.Setgid(1000))
		must(syscall.Setuid(1000))
	}
	must(exec.Command("/workload", "child").Run())
	if len(os.Args) > 1 && os.Args[1] == "more" {
		must(syscall.Flock(0, syscall.LOCK_SH)) // one thing more than was observed
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	l, err := net.Listen("tcp", ":8080")
	must(err)
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile("/var/lib/app/last", []byte(r.URL.Path), 0o600); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "served")
	}))
	<-stop
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
}
