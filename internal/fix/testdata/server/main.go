// Server is a program to be proved: it serves a folder, or does as it is told.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	at := flag.String("listen", ":8080", "address")
	dir := flag.String("dir", "/srv", "folder")
	say := flag.String("say", "", "print this and end")
	end := flag.Int("end", -1, "end with this code")
	slow := flag.Duration("slow", 0, "wait before listening")
	ask := flag.String("ask", "", "ask this URL and end with 0 if it answers well")
	flag.Parse()
	if *say != "" {
		fmt.Println(*say)
	}
	if *ask != "" {
		r, err := http.Get(*ask)
		if err != nil || r.StatusCode != http.StatusOK {
			log.Fatal("no good answer: ", err)
		}
		return
	}
	if *end >= 0 {
		os.Exit(*end)
	}
	time.Sleep(*slow)
	http.HandleFunc("/now", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, time.Now().UnixNano()) })
	http.Handle("/", http.FileServer(http.Dir(*dir)))
	log.Fatal(http.ListenAndServe(*at, nil))
}
