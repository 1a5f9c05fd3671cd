package audit

import (
	"fmt"
	"strconv"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
)

// The limits that fixes propose where nothing was observed: a start, to be put to
// what the workload needs.
const (
	someMemory = "512m"
	somePIDs   = "256"
	someCPUs   = "1.0"
	podMemory  = "512Mi"
	podCPUs    = "1"
)

// room is what limits are to be: what was observed with its margins, or something to
// start with.
func (c *Container) room() (memory, pids, cpus string) {
	if c.Observed == nil {
		return c.start(someMemory, someMemory, podMemory), somePIDs, c.start(someCPUs, someCPUs, podCPUs)
	}
	m, p, _, n := confine.Margins(c.Observed)
	return fmt.Sprintf("%d%s", m>>20, c.start("m", "m", "Mi")), strconv.FormatInt(p, 10), strconv.FormatFloat(n, 'g', -1, 64)
}

func noMemoryLimit() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/no-memory-limit",
		Title:    "Memory is not limited",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-5.11"},
		Why: "A container without a limit takes all memory of the machine, by a leak or by an attack, and the kernel then kills whatever it likes: another container, or the Engine. " +
			"Measure what the workload takes at its peak (drydock observe) and allow a margin.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    mem_limit: 64m\n",
	}, []string{"mem_limit"}, func(c *Container, p *pass) {
		if c.Memory > 0 || !c.knows("mem_limit") {
			return
		}
		f := c.found("mem_limit", "", "the container may take all memory of the machine")
		memory, _, _ := c.room()
		title := c.start("Start it with --memory, say ", "Set mem_limit, say ", "Set resources.limits.memory, say ") + memory
		p.Report(fixed(f, finding.NeedsReview, title, c.edit.set("mem_limit", memory)))
	})
}

func noPIDsLimit() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/no-pids-limit",
		Title:    "The number of processes is not limited",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-5.29"},
		Why: "A fork bomb, or a server that starts processes without end, uses up the kernel's process table, and then nothing starts on the machine, a shell to stop it included. " +
			"pids_limit counts processes and threads of this container alone.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    deploy:\n      resources:\n        limits:\n          pids: 100\n",
	}, []string{"pids_limit"}, func(c *Container, p *pass) {
		if c.Form == Kubernetes {
			p.Absent("CIS-5.29") // the kubelet sets it for every pod
			return
		}
		if c.PIDs > 0 || !c.knows("pids_limit") {
			return
		}
		f := c.found("pids_limit", "", "the container may start any number of processes")
		_, pids, _ := c.room()
		p.Report(fixed(f, finding.NeedsReview, c.start("Start it with --pids-limit, say ", "Set pids_limit, say ", "")+pids, c.edit.set("pids_limit", pids)))
	})
}

func noCPULimit() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/no-cpu-limit",
		Title:    "Processor time is not limited",
		Severity: finding.Low,
		Aliases:  []string{"CIS-5.12"},
		Why: "A container without a limit may take every processor for itself, and the others wait. cpus is a limit; cpu_shares is a weight that counts only when " +
			"processors are short.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    cpus: 0.5\n",
	}, []string{"cpus"}, func(c *Container, p *pass) {
		if c.CPU || !c.knows("cpus") {
			return
		}
		f := c.found("cpus", "", "the container may take every processor of the machine")
		_, _, cpus := c.room()
		title := c.start("Start it with --cpus, say ", "Set cpus, say ", "Set resources.limits.cpu, say ") + cpus
		p.Report(fixed(f, finding.NeedsReview, title, c.edit.set("cpus", strconv.Quote(cpus))))
	})
}

func restartStorm() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/restart-storm",
		Title:    "The container is restarted without end",
		Severity: finding.Low,
		Aliases:  []string{"CIS-5.15"},
		Why: "A process that fails at once is started again and again, which takes the machine's time and hides the failure; an attacker who can crash it has as many tries " +
			"as he likes. on-failure with a count stops, and what has stopped is seen.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    restart: always\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    restart: on-failure:5\n",
	}, []string{"restart"}, func(c *Container, p *pass) {
		endless := c.Restart == "always" || c.Restart == "unless-stopped" || c.Restart == "on-failure" && c.Retries == 0
		if !endless {
			return
		}
		f := c.found("restart", "", "the container is restarted without end (%s)", c.Restart)
		p.Report(fixed(f, finding.Behaviour, c.start("Start it with --restart on-failure:5", "Restart it on failure, five times at most", ""), c.edit.replace("restart", "on-failure:5")))
	})
}
