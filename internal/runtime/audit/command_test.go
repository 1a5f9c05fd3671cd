package audit

import (
	"strings"
	"testing"
)

// rulesOf are the rules that fire for the containers of a script, a line each with
// what of them is not known, and what of the script is not.
func rulesOf(t *testing.T, text string) []string {
	t.Helper()
	got, err := ReadCommands("-", []byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var lines []string
	for _, c := range got.Containers {
		looked := Run(c, Checks())
		line := c.Subject.Name + ":"
		for _, f := range looked.Findings {
			complete(t, f)
			line += " " + strings.TrimPrefix(string(f.Rule), "runtime/")
		}
		for _, u := range looked.Unknown {
			if !u.Beyond {
				line += " ?" + strings.TrimSuffix(strings.TrimPrefix(u.What, "what "), " comes to")
			}
		}
		lines = append(lines, line)
	}
	for _, e := range got.Execs {
		looked := Run(e, ExecChecks())
		line := e.Subject.Name + ":"
		for _, f := range looked.Findings {
			complete(t, f)
			line += " " + strings.TrimPrefix(string(f.Rule), "runtime/")
		}
		for range looked.Unknown {
			line += " ?"
		}
		lines = append(lines, line)
	}
	for _, u := range got.Unknown {
		lines = append(lines, u.What+": "+u.Why)
	}
	return lines
}

// tight has every flag that a rule asks for.
const tight = "--read-only --cap-drop=ALL --security-opt no-new-privileges -m 64m --pids-limit 20 --cpus .5 --user 33 --network web --ulimit nofile=64 "

func TestCommands(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"tight", "docker run " + tight + "nginx:1.28", "-:1:"},
		{"joined lines", "# start it\nsudo docker run -d --name web -p80:80 \\\n  " + tight + "\\\r\n nginx:1.28\n", "-:2: published-everywhere privileged-port"},
		{"many", "docker container run -it --privileged=true -v /:/host " + tight + "alpine sh -c 'ls; id'", "-:1: privileged sensitive-mount no-effect latest-tag"},
		{"false is said", "docker run --privileged=false --read-only=false " + strings.Replace(tight, "--read-only ", "", 1) + "a:1", "-:1: writable-root"},
		{"a flag that nobody knows", "docker run --unheard-of x y", "-:1: the container that it starts: the flag --unheard-of is not known here, nor whether it takes a value"},
		{"one with its value", "docker run --unheard-of=x --privileged a:1", "-:1: privileged ?it says in all"},
		{"a value of the shell", "docker run " + tight + "--memory $MEM --user $(id -u):0 a:1 --security-opt x", "-:1: no-effect ?mem_limit ?user"},
		{"quotes", `docker run ` + tight + `-e "DB_PASSWORD=k7Qp2mWz9xLr" --mount 'type=bind,"source=/etc",target=/x' --label a="b c" "a:1"`, "-:1: literal-secret sensitive-mount"},
		{"a secret of the shell", "docker run " + tight + `-e DB_PASSWORD="$P" -e TOKEN -e A=$B --env-file .env a:1`, "-:1:"},
		{"podman", "podman run " + tight + "--cap-add=SYS_ADMIN,NET_ADMIN --replace --pod p --secret s a:1", "-:1: added-capability added-capability"},
		{"nerdctl, by its path", "/usr/local/bin/nerdctl --namespace k8s.io run " + tight + "--pid=host a:1", "-:1: host-namespace"},
		{"another Engine", "docker --context far -H tcp://1.2.3.4:1 --debug create " + tight + "--uts host a:1", "-:1: host-namespace"},
		{"in a script", "set -e\nfor i in 1 2; do\n  id=$(docker run " + tight + "--privileged a:1)\ndone\nif true; then docker run " + tight + "--ipc=host a:1; fi", "-:3: no-effect privileged\n-:5: host-namespace"},
		{"several in a line", "docker pull a && A=1 docker run " + tight + "a:1; exec docker run --privileged " + tight + "b:1 | cat", "-:1:\n-:1: privileged no-effect"},
		{"exec", "docker exec -it --privileged web sh -c 'docker run x'", "-:1: exec-privileged"},
		{"exec as root", "sudo docker container exec -uroot web sh\npodman exec --user=0:0 web sh\ndocker exec -u 1000 -e A=b -w / web sh", "-:1: exec-root\n-:2: exec-root\n-:3:"},
		{"exec with what the shell fills in", "docker exec --user $U --privileged=false web sh", "-:1: ?"},
		{"a prompt", "$ docker run " + tight + "--privileged a:1", "-:1: no-effect privileged"},
		{"none of its business", "docker compose run a\ndocker-compose up\ndocker compose exec x run\n# docker run --privileged x\necho docker run --privileged x\ndocker run " + tight + "a:1", "-:6:"},
		{"a line that is broken", "docker run 'x\ndocker run --privileged " + tight + "a:1", "-:2: privileged no-effect\n-:1: the container that it starts: reached EOF without closing quote `'`"},
		{"no image", "docker run -d", "-:1: the container that it starts: it names no image or container"},
		{"no value", "docker run --memory", "-:1: the container that it starts: the flag --memory has no value"},
		{"the end of flags", "docker run " + tight + "-- a:1 --privileged", "-:1: no-effect"},
		{"network in full", "docker run " + strings.Replace(tight, "--network web", "--network name=host,alias=a", 1) + "a:1", "-:1: host-namespace"},
		{"all of the machine's cards", "docker run " + tight + "--gpus all --device=/dev/kvm --use-api-socket a:1", "-:1: device device docker-socket"},
		{"many short flags", "docker run -ditP " + tight + "a:1", "-:1: published-everywhere"},
		{"health", "docker run " + tight + "--expose 80 --no-healthcheck a:1\ndocker run " + tight + "--expose 80 --health-cmd true a:1", "-:1: no-healthcheck\n-:2:"},
		{"short switches with a value", "docker run -d=true -i=false -t=1 -P=false " + tight + "a:1", "-:1:"},
		{"a folder below an unknown one", "docker run " + tight + `-v "$HOME/.ssh":/k -v $(pwd):/app --mount type=bind,src=$X/docker.sock,dst=/s a:1`, "-:1: sensitive-mount docker-socket ?volumes"},
		{"flags that the shell fills in", "docker run $FLAGS " + tight + "a:1\ndocker run " + tight + `"${ARGS[@]}" a:1` + "\ndocker run " + tight + "$IMAGE sh", "-:1: ?it says in all\n-:2: ?it says in all\n-:3: ?image"},
		{"by another program", "timeout -k 5 60 docker run " + tight + "--pid=host a:1\nssh -t root@h docker run " + tight + "--privileged a:1\nwatch docker ps", "-:1: host-namespace\n-:2: no-effect privileged"},
		{"within an argument", "ssh h 'docker run --privileged a:1'", "-:1: the container that it starts: it is within an argument: docker run --privileged a:1"},
		{"a prompt with a name", "root@web:~# docker run " + tight + "--pid=host a:1", "-:1: host-namespace"},
		{"prompts of Windows", "PS C:\\Users\\x> docker run " + tight + "--pid=host a:1\nC:\\>docker.exe run " + tight + "--ipc=host a:1\n> docker run " + tight + "--uts=host a:1", "-:1: host-namespace\n-:2: host-namespace\n-:3: host-namespace"},
		{"PowerShell", "docker run `\r\n  --pid=host `\r\n  " + tight + "a:1\r\n", "-:1: host-namespace"},
		{"cmd", "docker run ^\n  --pid=host " + tight + "a:1", "-:1: host-namespace"},
		{"a unit of systemd", "[Service]\nExecStartPre=-/usr/bin/docker rm a\nExecStart=/usr/bin/docker run " + tight + "--pid=host a:1\n", "-:3: host-namespace"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := strings.Join(rulesOf(t, tt.text), "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	if _, err := ReadCommands("-", []byte("docker ps\nls")); err == nil {
		t.Error("lines without a container are read")
	}
}

// A finding of a command is at the flag that it is about.
func TestCommandPlaces(t *testing.T) {
	text := "docker run \\\n  --rm --volume /etc:/x \\\n  --cap-add SYS_ADMIN --cap-add=BPF alpine"
	got, err := ReadCommands("-", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, f := range Run(got.Containers[0], Checks()).Findings {
		if s := f.At[0].Source; strings.Contains("added-capability sensitive-mount latest-tag", strings.TrimPrefix(string(f.Rule), "runtime/")) {
			at = append(at, text[s.Start:s.End])
		}
	}
	if got := strings.Join(at, "; "); got != "--volume /etc:/x; --cap-add SYS_ADMIN; --cap-add=BPF; alpine" {
		t.Error(got)
	}
}

// FuzzCommands: whatever the text is, each container that is read names an image or
// says that its own is not known, and lies within the text.
func FuzzCommands(f *testing.F) {
	f.Add("docker run -it --privileged -v /:/x a\n$ podman run b; echo 'docker run c'")
	f.Add("sudo -E docker --context x container create --mount type=bind,source=/a \\\n\"$X\"")
	f.Add("for i in a b; do docker run $i; done\ndocker run 'x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadCommands("-", []byte(text))
		if err != nil {
			return
		}
		for _, c := range got.Containers {
			if s := c.at("").Source; s.Start < 0 || s.End > len(text) || s.Start >= s.End {
				t.Fatalf("%+v of %q", s, text)
			}
			if c.Image == "" && c.knows("image") && !strings.Contains(text, `""`) && !strings.Contains(text, "''") {
				t.Fatalf("no image of %q", text)
			}
			for _, x := range Run(c, Checks()).Findings {
				if s := x.At[0].Source; s.Start < 0 || s.End > len(text) || s.Start >= s.End {
					t.Fatalf("%s at %+v of %q", x.Rule, s, text)
				}
			}
		}
	})
}
