package cli

import "github.com/spf13/pflag"

// dockerFlags are the options of docker run that run hands on. Their values are
// docker's to understand.
func dockerFlags() *pflag.FlagSet {
	s := pflag.NewFlagSet("docker run", pflag.ContinueOnError)
	for _, fl := range []struct{ name, short, what string }{
		{"publish", "p", "publish a container's `PORT` to the host"},
		{"env", "e", "set an environment variable, `NAME=VALUE`"},
		{"env-file", "", "read environment variables from a `FILE`"},
		{"volume", "v", "mount a `VOLUME`"},
		{"mount", "", "attach a `MOUNT`"},
		{"tmpfs", "", "mount an empty `FOLDER`"},
		{"cap-add", "", "add a `CAPABILITY`"},
		{"cap-drop", "", "drop a `CAPABILITY`"},
		{"security-opt", "", "a security `OPTION`"},
		{"ulimit", "", "a `LIMIT`: nofile=1024, nproc=64"},
		{"link", "", "link to another `CONTAINER`"},
		{"label", "l", "set a `LABEL`"},
		{"device", "", "add a `DEVICE`"},
		{"add-host", "", "add a `HOST:IP`"},
		{"dns", "", "a DNS `SERVER`"},
		{"dns-search", "", "a DNS search `DOMAIN`"},
		{"expose", "", "expose a `PORT`"},
		{"group-add", "", "an additional `GROUP`"},
		{"label-file", "", "read labels from a `FILE`"},
		{"log-opt", "", "an `OPTION` of the log driver"},
		{"network-alias", "", "an `ALIAS` on the network"},
		{"sysctl", "", "a kernel `PARAMETER` of the container"},
		{"volumes-from", "", "mount the volumes of a `CONTAINER`"},
	} {
		s.StringArrayP(fl.name, fl.short, nil, fl.what+"; may be repeated")
	}
	for _, fl := range []struct{ name, short, what string }{
		{"name", "", "`NAME` of the container"},
		{"network", "", "connect to a `NETWORK`"},
		{"entrypoint", "", "`COMMAND` in place of the image's entry point"},
		{"user", "u", "`USER` or uid, and group"},
		{"workdir", "w", "working `FOLDER`"},
		{"hostname", "", "`NAME` of the host"},
		{"cpus", "", "`NUMBER` of CPUs"},
		{"memory", "m", "memory limit in `BYTES`"},
		{"memory-swap", "", "limit of memory with swap in `BYTES`"},
		{"pids-limit", "", "`NUMBER` of processes"},
		{"restart", "", "restart `POLICY`: no, on-failure:5, always"},
		{"stop-signal", "", "`SIGNAL` to stop with"},
		{"stop-timeout", "", "`SECONDS` to stop in"},
		{"cidfile", "", "write the container's id to a `FILE`"},
		{"cpu-shares", "", "CPU `WEIGHT` beside other containers"},
		{"cpuset-cpus", "", "`CPUS` to run on"},
		{"gpus", "", "`GPUS` to add"},
		{"health-cmd", "", "`COMMAND` that checks its health"},
		{"ip", "", "IPv4 `ADDRESS` on the network"},
		{"ipc", "", "IPC `MODE`"},
		{"log-driver", "", "log `DRIVER`"},
		{"pid", "", "PID namespace to use, a `MODE`"},
		{"runtime", "", "`RUNTIME` to start it with"},
		{"shm-size", "", "size of /dev/shm in `BYTES`"},
		{"userns", "", "user namespace to use, a `MODE`"},
	} {
		s.StringP(fl.name, fl.short, "", fl.what)
	}
	for _, fl := range []struct{ name, short, what string }{
		{"detach", "d", "run in the background and print the container's id"},
		{"interactive", "i", "keep standard input open"},
		{"tty", "t", "give it a terminal"},
		{"rm", "", "remove the container when it ends"},
		{"init", "", "run an init that reaps processes"},
		{"read-only", "", "mount the root read only"},
		{"privileged", "", "all privileges; warns"},
		{"publish-all", "P", "publish all exposed ports on free ones"},
		{"no-healthcheck", "", "no health check"},
		{"oom-kill-disable", "", "do not kill it when its memory is not enough"},
	} {
		s.BoolP(fl.name, fl.short, false, fl.what)
	}
	return s
}
