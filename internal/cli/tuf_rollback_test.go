package cli_test

import (
	"slices"
	"testing"
)

func tufRollback() map[string]func(t *testing.T, s *simulator) {
	both := func(f func(t *testing.T, s *simulator)) func(*testing.T, *simulator) {
		return func(t *testing.T, s *simulator) {
			f(t, s)
			s = newSimulator(t)
			s.hashes = true
			f(t, s)
		}
	}
	return map[string]func(*testing.T, *simulator){
		"test_new_timestamp_version_rollback": func(_ *testing.T, s *simulator) {
			s.init()
			s.publish("timestamp")
			s.refresh(0)
			s.signed["timestamp"]["version"] = 1
			s.publishAs("timestamp")
			s.refresh(1)
			s.last("timestamp")
			s.trusted(top("1", "2", "1", "1")...)
		},
		"test_snapshot_rollback": both(func(_ *testing.T, s *simulator) {
			s.init()
			s.publish("snapshot", "timestamp")
			s.refresh(0)
			s.signed["snapshot"]["version"] = 1
			s.publishAs("snapshot")
			s.publish("timestamp")
			s.refresh(1)
			s.last("timestamp")
			s.trusted(top("1", "2", "2", "1")...)
		}),
		"test_targets_rollback": both(func(_ *testing.T, s *simulator) {
			s.init()
			s.publish("targets", "snapshot", "timestamp")
			s.refresh(0)
			s.signed["targets"]["version"] = 1
			s.publishAs("targets")
			s.publish("snapshot", "timestamp")
			s.refresh(1)
			s.trusted(top("1", "3", "2", "2")...)
		}),
		"test_targets_role_removal": func(_ *testing.T, s *simulator) {
			s.init()
			s.delegate("targets", "role1", nil)
			s.publish("targets", "role1", "snapshot", "timestamp")
			s.refresh(0)
			delete(s.signed["snapshot"]["meta"].(obj), "role1.json")
			s.publish("snapshot", "timestamp")
			s.refresh(1)
			s.trusted(top("1", "3", "2", "2")...)
		},
		"test_targets_fast_forward_recovery": func(t *testing.T, s *simulator) {
			s.init()
			s.signed["targets"]["version"] = 99998
			s.served["targets"] = slices.Grow(s.served["targets"], 99999)[:99998]
			s.publish("targets", "snapshot", "timestamp")
			s.refresh(0)
			if s.has("targets") != 99999 {
				t.Fatal("the attack fails")
			}
			s.rotate("snapshot")
			s.signed["targets"]["version"] = 1
			s.served["targets"] = s.served["targets"][:1]
			s.publish("root", "targets", "snapshot", "timestamp")
			s.refresh(0)
			s.trusted(top("2", "3", "3", "2")...)
		},
		"test_new_snapshot_fast_forward_recovery": func(t *testing.T, s *simulator) {
			s.init()
			s.signed["snapshot"]["version"] = 99998
			s.served["snapshot"] = slices.Grow(s.served["snapshot"], 99999)[:99998]
			s.publish("snapshot", "timestamp")
			s.refresh(0)
			if s.has("snapshot") != 99999 {
				t.Fatal("the attack fails")
			}
			s.rotate("snapshot")
			s.rotate("timestamp")
			s.signed["snapshot"]["version"] = 1
			s.served["snapshot"] = s.served["snapshot"][:1]
			s.publish("root", "snapshot", "timestamp")
			s.refresh(0)
			s.trusted(top("2", "3", "2", "1")...)
		},
		"test_new_timestamp_fast_forward_recovery": func(t *testing.T, s *simulator) {
			s.init()
			s.signed["timestamp"]["version"] = 99998
			s.publish("timestamp")
			s.refresh(0)
			if s.has("timestamp") != 99999 {
				t.Fatal("the attack fails")
			}
			s.rotate("timestamp")
			s.signed["timestamp"]["version"] = 1
			s.publish("root")
			s.publishAs("timestamp")
			s.refresh(0)
			s.trusted(top("2", "1", "1", "1")...)
		},
	}
}

// tufGraphs are repositories whose roles delegate to each other: "A>B" is A that
// delegates to B, with "!" terminating, with "=PATTERN" some paths.
func tufGraphs() map[string]func(t *testing.T, s *simulator) {
	type edge struct {
		by, role string
		ends     bool
		paths    []string
	}
	build := func(s *simulator, edges []edge) {
		roles := []string{"targets"}
		for _, e := range edges {
			paths := e.paths
			if paths == nil {
				paths = []string{"*"}
			}
			s.delegate(e.by, e.role, obj{"terminating": e.ends, "paths": paths})
			if !slices.Contains(roles, e.role) {
				roles = append(roles, e.role)
			}
		}
		s.publish(append(roles, "snapshot", "timestamp")...)
	}
	visited := func(s *simulator) (out []string) {
		for _, a := range s.asked {
			if !slices.Contains([]string{"root 2", "timestamp", "snapshot 2", "targets 2"}, a) {
				out = append(out, a)
			}
		}
		return out
	}
	py := []string{"*.py"}
	return map[string]func(*testing.T, *simulator){
		"test_graph_traversal": func(t *testing.T, _ *simulator) {
			for name, c := range map[string]struct {
				edges []edge
				want  []string
			}{
				"one":                        {[]edge{{by: "targets", role: "A"}}, []string{"A 1"}},
				"one level":                  {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}}, []string{"A 1", "B 1"}},
				"two levels":                 {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}}, []string{"A 1", "B 1", "C 1"}},
				"depth first":                {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C"}, {by: "A", role: "D"}}, []string{"A 1", "C 1", "D 1", "B 1"}},
				"three levels":               {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C"}, {by: "C", role: "D"}}, []string{"A 1", "C 1", "D 1", "B 1"}},
				"terminating":                {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C", ends: true}, {by: "A", role: "D"}}, []string{"A 1", "C 1"}},
				"terminating, and its own":   {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C", ends: true}, {by: "C", role: "D"}}, []string{"A 1", "C 1", "D 1"}},
				"other paths":                {[]edge{{by: "targets", role: "A", paths: py}, {by: "targets", role: "B"}, {by: "A", role: "C"}}, []string{"B 1"}},
				"other paths below":          {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C", paths: py}, {by: "C", role: "D"}}, []string{"A 1", "B 1"}},
				"a cycle":                    {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}, {by: "C", role: "D"}, {by: "D", role: "B"}}, []string{"A 1", "B 1", "C 1", "D 1"}},
				"a diamond":                  {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}, {by: "A", role: "C"}}, []string{"A 1", "C 1", "B 1"}},
				"a diamond with other paths": {[]edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "B", role: "C"}, {by: "A", role: "C", paths: py}}, []string{"A 1", "B 1", "C 1"}},
			} {
				s := newSimulator(t)
				s.init()
				build(s, c.edges)
				s.download("missingpath", 1)
				if got := visited(s); !slices.Equal(got, c.want) {
					t.Errorf("%s: visited %q, want %q", name, got, c.want)
				}
			}
		},
		"test_targetfile_search": func(t *testing.T, _ *simulator) {
			for target, want := range map[string][]string{
				"targetfile": nil, "README.md": {"A 1"}, "releases/x/x_v1": {"B 1", "C 1"}, "releases/y/y_v1.zip": {"B 1", "D 1"}, "releases/z/z_v1.zip": {"B 1"},
			} {
				s := newSimulator(t)
				s.init()
				for role, name := range map[string]string{"A": "README.md", "C": "releases/x/x_v1", "D": "releases/y/y_v1.zip"} {
					s.signed[role] = obj{"_type": "targets", "spec_version": "1.0.31", "version": 0, "expires": s.signed["targets"]["expires"], "targets": obj{}}
					s.addTarget(role, name, []byte(name))
				}
				s.addTarget("D", "releases/z/z_v1.zip", []byte("z"))
				s.addTarget("targets", "targetfile", []byte("targetfile"))
				build(s, []edge{
					{by: "targets", role: "A", paths: []string{"*.doc", "*.md"}},
					{by: "targets", role: "B", paths: []string{"releases/*/*"}},
					{by: "B", role: "C", paths: []string{"releases/x/*"}},
					{by: "B", role: "D", paths: []string{"releases/y/*.zip"}},
				})
				code := 0
				if target == "releases/z/z_v1.zip" {
					code = 1
				}
				s.download(target, code)
				if got := visited(s); !slices.Equal(got, want) {
					t.Errorf("%s: visited %q, want %q", target, got, want)
				}
				if code == 0 && s.downloaded(target) != target {
					t.Errorf("%s: another file", target)
				}
			}
		},
		"test_cached_role_is_verified_against_current_delegator": func(t *testing.T, s *simulator) {
			// C is fetched by way of A, whose key signed it. Then only B delegates to C, with
			// a key that did not.
			s.init()
			s.signed["C"] = obj{"_type": "targets", "spec_version": "1.0.31", "version": 0, "expires": s.signed["targets"]["expires"], "targets": obj{}}
			s.addTarget("C", "file", []byte("x"))
			build(s, []edge{{by: "targets", role: "A"}, {by: "targets", role: "B"}, {by: "A", role: "C"}})
			s.download("file", 0)
			signed := slices.Clone(s.keys["C"])
			s.delegate("B", "C", nil)
			s.keys["C"] = signed
			delete(s.signed["A"], "delegations")
			s.publish("A", "B", "snapshot", "timestamp")
			s.download("file", 1)
			// And with a key that did, it counts.
			s.keys["C"] = nil
			delete(s.signed["B"], "delegations")
			s.delegate("B", "C", nil)
			s.publish("B", "C", "snapshot", "timestamp")
			s.download("file", 0)
		},
		"test_delegation_not_in_snapshot": func(t *testing.T, s *simulator) {
			s.init()
			build(s, []edge{{by: "targets", role: "A"}})
			s.refresh(0)
			s.addTarget("A", "file", []byte("x"))
			s.publish("A")
			s = newSimulator(t)
			s.init()
			s.delegate("targets", "A", nil)
			s.addTarget("A", "file", []byte("x"))
			s.publish("A", "targets")
			delete(s.signed["snapshot"]["meta"].(obj), "A.json")
			s.publish("snapshot", "timestamp")
			s.download("file", 1)
			if got := visited(s); len(got) > 0 {
				t.Errorf("fetched %q, which the snapshot does not name", got)
			}
		},
	}
}
