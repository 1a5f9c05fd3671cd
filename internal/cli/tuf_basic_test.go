package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// conformance are counterparts of the tests of TUF's conformance suite, under
// their names. Each is run against the client as the suite runs it.
func conformance() map[string]func(t *testing.T, s *simulator) {
	all := map[string]func(*testing.T, *simulator){}
	for _, group := range []map[string]func(*testing.T, *simulator){tufBasic(), tufTime(), tufFiles(), tufKeys(), tufRollback(), tufGraphs()} {
		for name, f := range group {
			all[name] = f
		}
	}
	return all
}

func TestTUFConformance(t *testing.T) {
	for name, f := range conformance() {
		t.Run(name, func(t *testing.T) { f(t, newSimulator(t)) })
	}
}

// TestTUFConformanceIsWhole holds the names to those of the suite.
func TestTUFConformanceIsWhole(t *testing.T) {
	b, err := os.ReadFile(sharedFile(t, "trust/tuf-conformance/TESTS.txt"))
	check(t, err)
	names := regexp.MustCompile(`(?m)^test_\w+$`).FindAllString(string(b), -1)
	if len(names) < 50 {
		t.Fatalf("only %d names", len(names))
	}
	for _, n := range names {
		if _, ok := conformance()[n]; !ok && n != "test_static_repository" {
			t.Errorf("%s has no counterpart", n)
		}
	}
}

// TestStaticRepository is the suite's test_static_repository: repositories that
// other programs made, at the time for which they are.
func TestStaticRepository(t *testing.T) {
	dir := sharedFile(t, "trust/tuf-conformance/static_data")
	all, err := os.ReadDir(dir)
	check(t, err)
	n := 0
	for _, e := range all {
		if !e.IsDir() {
			continue
		}
		n++
		t.Run(e.Name(), func(t *testing.T) {
			s := newSimulator(t)
			at := filepath.Join(dir, e.Name())
			s.url = fileServer(t, at)
			root, err := os.ReadFile(filepath.Join(at, "initial_root.json"))
			check(t, err)
			target, err := os.ReadFile(filepath.Join(at, "targetpath"))
			check(t, err)
			if b, err := os.ReadFile(filepath.Join(at, "faketime")); err == nil {
				when, err := time.Parse("2006-01-02 15:04:05-07:00", strings.TrimSpace(string(b)))
				check(t, err)
				s.bench.now = func() time.Time { return when }
			}
			if s.initRoot(root) != 0 {
				t.Fatal("init fails")
			}
			s.refresh(0)
			s.download(strings.TrimSpace(string(target)), 0)
			if s.downloaded(strings.TrimSpace(string(target))) == "" {
				t.Error("nothing was downloaded")
			}
			s.at(365 * 100)
			s.refresh(1)
		})
	}
	if n == 0 {
		t.Fatal("no static repository")
	}
}

func top(versions ...string) []string {
	var out []string
	for i, r := range []string{"root", "timestamp", "snapshot", "targets"} {
		if i < len(versions) && versions[i] != "" {
			out = append(out, r+" "+versions[i])
		}
	}
	return out
}

func tufBasic() map[string]func(t *testing.T, s *simulator) {
	return map[string]func(*testing.T, *simulator){
		"test_basic_refresh_requests": func(_ *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			s.requests("root 2", "timestamp", "snapshot 1", "targets 1")
		},
		"test_basic_refresh_trusted_data": func(_ *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			s.trusted(top("1", "1", "1", "1")...)
		},
		"test_implicit_refresh": func(_ *testing.T, s *simulator) {
			s.init()
			s.download("no such artifact", 1)
			s.requests("root 2", "timestamp", "snapshot 1", "targets 1")
			s.trusted(top("1", "1", "1", "1")...)
		},
		"test_invalid_initial_root": func(t *testing.T, s *simulator) {
			var doc obj
			check(t, json.Unmarshal(s.served["root"][0], &doc))
			delete(doc["signed"].(obj), "version")
			b, err := json.Marshal(doc)
			check(t, err)
			s.initRoot(b)
			s.refresh(1)
			s.requests()
		},
		"test_unsigned_initial_root": func(t *testing.T, s *simulator) {
			var doc obj
			check(t, json.Unmarshal(s.served["root"][0], &doc))
			doc["signatures"].([]any)[0].(obj)["sig"] = strings.Repeat("30", 70)
			b, err := json.Marshal(doc)
			check(t, err)
			s.initRoot(b)
			s.refresh(1)
			s.requests()
		},
		"test_unsigned_metadata": func(t *testing.T, _ *simulator) {
			for role, trusted := range map[string][]string{"root": top("1"), "timestamp": top("2"), "snapshot": top("2", "2"), "targets": top("2", "2", "2")} {
				s := newSimulator(t)
				s.keys[role] = nil
				s.publish("root", "targets", "snapshot", "timestamp")
				s.init()
				s.refresh(1)
				s.trusted(trusted...)
			}
		},
		"test_url_and_metadata_version_mismatch": func(t *testing.T, _ *simulator) {
			for role, trusted := range map[string][]string{"root": top("1"), "snapshot": top("2", "2"), "targets": top("2", "2", "2")} {
				s := newSimulator(t)
				s.signed[role]["version"] = 2
				s.publish("root", "targets", "snapshot", "timestamp")
				s.init()
				s.refresh(1)
				s.trusted(trusted...)
			}
			// A document of another version, where the one that is named should be.
			for role, by := range map[string]string{"snapshot": "timestamp", "targets": "snapshot"} {
				s := newSimulator(t)
				s.signed[role]["version"] = 2
				s.publish(role)
				s.signed[by]["meta"].(obj)[role+".json"] = obj{"version": 2}
				if by == "snapshot" {
					s.publish("snapshot")
				}
				s.publish("timestamp")
				s.init()
				s.refresh(1)
				if s.has(role) != 0 {
					t.Errorf("%s of another version is trusted", role)
				}
			}
		},
		"test_timestamp_content_changes": func(_ *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			s.signed["timestamp"]["meta"].(obj)["snapshot.json"] = obj{"version": 100}
			s.served["timestamp"] = nil
			s.publishAs("timestamp")
			s.refresh(0)
			s.last("timestamp")
			s.trusted(top("1", "1", "1", "1")...)
		},
		"test_basic_metadata_hash_support": hashSupport,
		"test_basic_metadata_hash_support_unittest": func(t *testing.T, s *simulator) {
			s.hashes = true
			s.publish("targets", "snapshot", "timestamp")
			if m := s.signed["timestamp"]["meta"].(obj)["snapshot.json"].(obj); m["length"].(int) != len(s.served["snapshot"][1]) {
				t.Errorf("the simulator's snapshot is %v", m)
			}
			s.init()
			s.refresh(0)
		},
		"test_targets_hash_mismatch":  hashMismatch("targets", "snapshot"),
		"test_snapshot_hash_mismatch": hashMismatch("snapshot", "timestamp"),
		"test_metadata_bytes_match": func(t *testing.T, s *simulator) {
			s.init()
			data := append(slices.Clone(s.served["timestamp"][0]), ' ')
			s.served["timestamp"][0] = data
			s.refresh(0)
			b, err := os.ReadFile(filepath.Join(s.dir, "metadata", "timestamp.json"))
			check(t, err)
			if string(b) != string(data) {
				t.Error("the client writes metadata in a form of its own")
			}
		},
		"test_custom_fields": func(t *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			k := newTUFKey("ecdsa")
			k.public["extra-field"] = obj{"a": 1, "b": 2}
			k.rename()
			s.signed["root"]["custom-field"] = "value"
			s.addKey("root", k)
			s.role("root")["another-field"] = "value"
			s.addTarget("targets", "file", []byte("x"))
			s.signed["targets"]["targets"].(obj)["file"].(obj)["extra"] = obj{"n": nil}
			s.signed["timestamp"]["more"] = []any{1, "two", nil, true}
			s.publish("root", "targets", "snapshot", "timestamp")
			s.refresh(0)
			s.trusted(top("2", "2", "2", "2")...)
			s.download("file", 0)
			if s.downloaded("file") != "x" {
				t.Error("a target with fields of its own")
			}
		},
		"test_deprecated_keyid_hash_algorithms": func(_ *testing.T, s *simulator) {
			s.init()
			k := newTUFKey("ecdsa")
			k.public["keyid_hash_algorithms"] = "md5"
			k.rename()
			s.role("snapshot")["keyids"], s.keys["snapshot"] = []string{}, nil
			s.addKey("snapshot", k)
			s.publish("root", "snapshot", "timestamp")
			s.refresh(0)
			s.trusted(top("2", "2", "2", "1")...)
		},
		"test_snapshot_404": func(_ *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			s.signed["timestamp"]["meta"].(obj)["snapshot.json"] = obj{"version": 2}
			s.publish("timestamp")
			s.refresh(1)
			s.last("snapshot 2")
			s.trusted(top("1", "2", "1", "1")...)
		},
		"test_targets_404": func(_ *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			s.signed["snapshot"]["meta"].(obj)["targets.json"] = obj{"version": 2}
			s.publish("snapshot", "timestamp")
			s.refresh(1)
			s.last("targets 2")
			s.trusted(top("1", "2", "2", "1")...)
		},
		"test_timestamp_404": func(_ *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			s.served["timestamp"] = nil
			s.refresh(1)
			s.last("timestamp")
		},
		"test_incorrect_metadata_type": func(_ *testing.T, s *simulator) {
			s.init()
			s.addKey("snapshot", s.keys["timestamp"][0])
			s.signed["snapshot"]["meta"] = obj{"snapshot.json": obj{"version": 1}}
			s.publish("root", "snapshot")
			n := len(s.served["snapshot"])
			s.served["timestamp"] = append(s.served["timestamp"], s.served["snapshot"][n-1])
			s.refresh(1)
			s.trusted(top("2")...)
		},
		"test_repo_initialzation_unittest": func(t *testing.T, s *simulator) {
			for _, r := range []string{"root", "timestamp", "snapshot", "targets"} {
				if len(s.served[r]) != 1 || s.version(r) != 1 {
					t.Errorf("the simulator's %s has %d versions", r, len(s.served[r]))
				}
			}
		},
		"test_update_timestamp": func(t *testing.T, s *simulator) {
			s.publish("timestamp")
			s.init()
			s.refresh(0)
			if s.has("timestamp") != 2 {
				t.Error("the new timestamp is not served")
			}
		},
		"test_unusual_role_name": func(t *testing.T, _ *simulator) {
			for _, role := range []string{"?", "#", "/delegatedrole", "../delegatedrole", "a b", "ü", "..", "%2e", "a/../../b", "targets.json"} {
				s := newSimulator(t)
				s.init()
				s.delegate("targets", role, nil)
				s.addTarget(role, "file", []byte("x"))
				s.publish("targets", role, "snapshot", "timestamp")
				s.download("file", 0)
				if s.downloaded("file") != "x" {
					t.Errorf("%q: nothing was downloaded", role)
				}
				if all, err := os.ReadDir(filepath.Join(s.dir, "metadata")); err != nil || len(all) != 5 {
					t.Errorf("%q: %v, %v", role, all, err)
				}
			}
		},
	}
}

func hashSupport(t *testing.T, s *simulator) {
	s.hashes = true
	s.publish("targets", "snapshot", "timestamp")
	s.init()
	s.refresh(0)
	s.publish("targets")
	s.signed["snapshot"]["meta"].(obj)["targets.json"].(obj)["hashes"] = obj{"sha256": strings.Repeat("46", 32)}
	s.publish("snapshot", "timestamp")
	s.refresh(1)
	s.trusted(top("1", "3", "3", "2")...)
}

func hashMismatch(role, by string) func(t *testing.T, s *simulator) {
	return func(_ *testing.T, s *simulator) {
		s.hashes = true
		s.init()
		s.publish("targets", "snapshot", "timestamp")
		s.refresh(0)
		before := s.has(role)
		s.publish(role)
		s.signed[by]["meta"].(obj)[role+".json"].(obj)["hashes"] = obj{"sha256": strings.Repeat("46", 32)}
		if by == "snapshot" {
			s.publish("snapshot")
		}
		s.publish("timestamp")
		s.refresh(1)
		if s.has(role) != before {
			s.t.Errorf("%s with another hash is trusted", role)
		}
	}
}
