package audit

import (
	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/finding"
)

// podEditor writes fixes into one container of a pod, or into the pod.
type podEditor struct {
	spot
	spec   spot
	places map[string]*yaml.Node
}

// Where a field of a container is in Kubernetes: in the container, or in its pod.
var (
	inContainer = map[string][]string{
		"privileged": {"securityContext", "privileged"}, "read_only": {"securityContext", "readOnlyRootFilesystem"},
		"no_escalation": {"securityContext", "allowPrivilegeEscalation"}, "seccomp": {"securityContext", "seccompProfile", "type"},
		"non_root": {"securityContext", "runAsNonRoot"}, "proc_mount": {"securityContext", "procMount"},
		"mem_limit": {"resources", "limits", "memory"}, "cpus": {"resources", "limits", "cpu"},
		"cap_add": {"securityContext", "capabilities", "add"}, "cap_drop": {"securityContext", "capabilities", "drop"},
	}
	inPod = map[string][]string{
		"network_mode": {"hostNetwork"}, "pid": {"hostPID"}, "ipc": {"hostIPC"}, "token": {"automountServiceAccountToken"},
	}
)

func (e *podEditor) of(field string) (spot, []string) {
	if path, ok := inPod[field]; ok {
		return e.spec, path
	}
	return e.spot, inContainer[field]
}

func (e *podEditor) set(field, value string) []finding.Edit {
	s, path := e.of(field)
	if path == nil {
		return nil
	}
	return s.set(value, path...)
}

func (e *podEditor) add(field, value string) []finding.Edit {
	s, path := e.of(field)
	if path == nil {
		return nil
	}
	return s.add(value, path...)
}

func (e *podEditor) remove(field string) []finding.Edit {
	name, n := item(field)
	s, path := e.of(name)
	if path == nil {
		return nil
	}
	return s.remove(n, path...)
}

// replace writes another value in the place of one, where the container or its pod
// says it itself.
func (e *podEditor) replace(field, value string) []finding.Edit { return e.set(field, value) }

func (e *podEditor) publish(Port) []finding.Edit { return nil }

// outside has nothing to fill in: a manifest has no variables.
func (e *podEditor) outside(string, string) []finding.Edit { return nil }
