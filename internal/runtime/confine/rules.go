package confine

import "github.com/drydock-dev/drydock/internal/finding"

// The rules over what a new release started to need.
const (
	newCall       finding.RuleID = "runtime/new-call"
	newArgument   finding.RuleID = "runtime/new-argument"
	newCapability finding.RuleID = "runtime/new-capability"
	newRoot       finding.RuleID = "runtime/new-root"
	newWritable   finding.RuleID = "runtime/new-writable-path"
	newNetwork    finding.RuleID = "runtime/new-network"
	newProgram    finding.RuleID = "runtime/new-program"
)

// NeedRules lists the documentation of the rules over what a workload started to
// need, see [Compare]. Bad and Good are what is observed of the new release.
func NeedRules() []finding.Rule {
	rules := []finding.Rule{
		{
			ID: newRoot, Title: "A new release runs as root", Severity: finding.High,
			Why: "The release before ran as a user of its own. As root, whatever breaks out of the workload owns all that its container may touch.",
			Bad: "user 0:0\n", Good: "user 33:33\n",
		},
		{
			ID: newCapability, Title: "A new release needs another capability", Severity: finding.High,
			Why: "A capability is a part of root's power. The profile of the release before does not grant it: what the new one does with it is worth knowing " +
				"before it is given.",
			Bad: "capability NET_RAW\n", Good: "no capability\n",
		},
		{
			ID: newNetwork, Title: "A new release listens or connects where the one before did not", Severity: finding.Medium,
			Why: "A port that was not there before is a new way in, and a connection to a new place a new way out: telemetry, an update, or code that somebody " +
				"slipped into a dependency.",
			Bad: "connects to port 443\n", Good: "listens on port 80\n",
		},
		{
			ID: newProgram, Title: "A new release executes another program", Severity: finding.Medium,
			Why: "A server that begins to start a shell, a downloader or a compiler does something new, and needs it in its image.",
			Bad: "executes /bin/sh\n", Good: "executes /usr/sbin/nginx\n",
		},
		{
			ID: newWritable, Title: "A new release writes in another folder", Severity: finding.Medium,
			Why: "The root is read-only under the profile of the release before: the new one fails there, or keeps something where nobody expects it.",
			Bad: "writes in /etc\n", Good: "writes in /run\n",
		},
		{
			ID: newCall, Title: "A new release makes another system call", Severity: finding.Low,
			Why: "The profile of the release before refuses it. Where the kernel had vulnerabilities that are reached by the call, the severity is medium, and the " +
				"finding names them.",
			Bad: "calls ptrace\n", Good: "calls read\n",
		},
		{
			ID: newArgument, Title: "A new release asks something else of a call", Severity: finding.Low,
			Why: "Some calls are doors to many parts of the kernel: a family of sockets, a request of ioctl. The profile of the release before lets pass what it asked for.",
			Bad: "socket with AF_NETLINK\n", Good: "socket with AF_INET\n",
		},
	}
	for i := range rules {
		rules[i].Practice = finding.LeastPrivilege
	}
	return rules
}
