package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// fileServer serves a folder, as the suite serves its static repositories.
func fileServer(t *testing.T, dir string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func (s *simulator) expire(role string, days int) {
	s.signed[role]["expires"] = today().AddDate(0, 0, days).Format(time.RFC3339)
}

func tufTime() map[string]func(t *testing.T, s *simulator) {
	expires := func(role string, publish []string, trusted ...string) func(*testing.T, *simulator) {
		return func(_ *testing.T, s *simulator) {
			s.init()
			s.refresh(0)
			s.expire(role, -1)
			s.publish(publish...)
			s.refresh(1)
			s.trusted(trusted...)
		}
	}
	return map[string]func(*testing.T, *simulator){
		"test_root_expired":      expires("root", []string{"root"}, top("2", "1", "1", "1")...),
		"test_timestamp_expired": expires("timestamp", []string{"timestamp"}, top("1", "1", "1", "1")...),
		"test_snapshot_expired":  expires("snapshot", []string{"snapshot", "timestamp"}, top("1", "2", "1", "1")...),
		"test_targets_expired":   expires("targets", []string{"targets", "snapshot", "timestamp"}, top("1", "2", "2", "1")...),
		"test_expired_local_root": func(_ *testing.T, s *simulator) {
			s.init()
			s.expire("root", 7)
			s.publish("root")
			s.refresh(0)
			s.expire("root", 20)
			s.publish("root")
			s.at(10) // the local root has expired, and a newer one is there
			s.refresh(0)
			s.trusted(top("3", "1", "1", "1")...)
		},
		"test_expired_local_timestamp": func(t *testing.T, s *simulator) {
			s.init()
			s.expire("timestamp", 7)
			s.publish("timestamp")
			s.refresh(0)
			s.expire("timestamp", 20)
			s.publish("snapshot", "timestamp")
			s.at(10)
			s.refresh(0)
			s.trusted(top("1", "3", "2", "1")...)
			// An expired one still guards against a rollback.
			s = newSimulator(t)
			s.init()
			s.expire("timestamp", 7)
			s.publish("timestamp", "timestamp")
			s.refresh(0)
			s.expire("timestamp", 20)
			s.signed["timestamp"]["version"] = 2
			s.publishAs("timestamp")
			s.at(10)
			s.refresh(1)
		},
		"test_faketime": func(_ *testing.T, s *simulator) {
			s.init()
			s.expire("root", 7)
			s.publish("root")
			s.refresh(0)
			for said, want := range map[string]int{"+8d": 1, "+6d": 0, "+700000": 1, "-3600": 0, "+1y": 1, "@2026-12-08 10:00:00": 1, "2026-11-24 10:00:00": 0} {
				s.bench.env["FAKETIME"] = said
				s.refresh(want)
			}
		},
	}
}

func tufFiles() map[string]func(t *testing.T, s *simulator) {
	fetch := func(name string) func(*testing.T, *simulator) {
		return func(t *testing.T, s *simulator) {
			s.init()
			s.addTarget("targets", name, []byte("content of "+name))
			s.publish("targets", "snapshot", "timestamp")
			s.download(name, 0)
			if s.downloaded(name) != "content of "+name {
				t.Error("another file was downloaded")
			}
		}
	}
	return map[string]func(*testing.T, *simulator){
		"test_client_downloads_expected_file":            fetch("target_file.txt"),
		"test_client_downloads_expected_file_in_sub_dir": fetch("path/to/a/target_file.txt"),
		"test_repository_substitutes_target_file": func(t *testing.T, s *simulator) {
			s.init()
			s.addTarget("targets", "a", []byte("content a"))
			s.addTarget("targets", "b", []byte("content b"))
			s.publish("targets", "snapshot", "timestamp")
			s.download("a", 0)
			s.files["a"], s.files["b"] = s.files["b"], []byte("content b, and more")
			s.download("b", 1)
			s.download("a", 0) // it is there
			if s.downloaded("a") != "content a" || s.downloaded("b") != "" {
				t.Error("a substitute was taken")
			}
		},
		"test_multiple_changes_to_target": func(t *testing.T, s *simulator) {
			s.init()
			for i := range 5 {
				text := fmt.Sprint("version ", i)
				s.addTarget("targets", "f", []byte(text))
				s.publish("targets", "snapshot", "timestamp")
				s.download("f", 0)
				if s.downloaded("f") != text {
					t.Errorf("%q is there, and not %q", s.downloaded("f"), text)
				}
				s.files["f"] = []byte("not signed")
				s.addTarget("targets", "other", []byte(text))
			}
		},
		"test_download_with_hash_algorithms": func(t *testing.T, s *simulator) {
			s.init()
			for _, algs := range [][]string{{"sha256"}, {"sha512"}, {"sha256", "sha512"}} {
				name := strings.Join(algs, "-")
				s.addTarget("targets", name, []byte(name), algs...)
				s.publish("targets", "snapshot", "timestamp")
				s.download(name, 0)
				if s.downloaded(name) != name {
					t.Errorf("%s: not downloaded", name)
				}
			}
		},
		"test_download_with_unknown_hash_algorithm": func(t *testing.T, s *simulator) {
			s.init()
			s.addTarget("targets", "f", []byte("x"), "unknown")
			s.publish("targets", "snapshot", "timestamp")
			s.download("f", 1)
			if s.downloaded("f") != "" {
				t.Error("what cannot be verified was taken")
			}
		},
		"test_artifact_cache": func(t *testing.T, s *simulator) {
			s.init()
			s.addTarget("targets", "f", []byte("x"))
			s.publish("targets", "snapshot", "timestamp")
			s.download("f", 0)
			s.download("f", 0)
			if !slices.Equal(s.got, []string{"f"}) {
				t.Errorf("fetched %q", s.got)
			}
		},
	}
}

func tufKeys() map[string]func(t *testing.T, s *simulator) {
	return map[string]func(*testing.T, *simulator){
		"test_snapshot_does_not_meet_threshold": func(t *testing.T, s *simulator) {
			s.role("snapshot")["threshold"] = 3
			for range 2 {
				s.addKey("snapshot", newTUFKey("ecdsa"))
			}
			s.publish("root", "targets", "snapshot", "timestamp")
			s.init()
			s.refresh(0)
			s.keys["snapshot"] = s.keys["snapshot"][:2]
			s.publish("targets", "snapshot", "timestamp")
			s.refresh(1)
			if s.has("snapshot") != 2 {
				t.Error("two of three signatures are enough")
			}
		},
		"test_snapshot_has_too_few_keys": func(t *testing.T, s *simulator) {
			s.init()
			for range 4 {
				s.addKey("snapshot", newTUFKey("ecdsa"))
			}
			s.role("snapshot")["threshold"] = 6
			s.publish("root", "snapshot", "timestamp")
			s.refresh(1)
			s.trusted(top("2", "2")...)
		},
		"test_duplicate_keys": func(t *testing.T, s *simulator) {
			s.init()
			k := newTUFKey("ecdsa")
			for range 9 {
				s.addKey("snapshot", k)
			}
			s.keys["snapshot"] = s.keys["snapshot"][:2]
			s.role("snapshot")["threshold"] = 6
			s.publish("root", "snapshot", "timestamp")
			s.edit("snapshot", func(doc obj) {
				sigs := doc["signatures"].([]any)
				for range 8 {
					sigs = append(sigs, sigs[1])
				}
				doc["signatures"] = sigs
			})
			s.refresh(1)
			if s.has("snapshot") != 0 {
				t.Error("one key counts several times")
			}
			// One key under several ids is one key.
			s = newSimulator(t)
			s.init()
			for i := range 5 {
				same := *k
				same.id = fmt.Sprintf("%064x", i)
				s.addKey("snapshot", &same)
			}
			s.role("snapshot")["threshold"] = 3
			s.publish("root", "snapshot", "timestamp")
			s.refresh(1)
			if s.has("snapshot") != 0 {
				t.Error("one key under several ids counts several times")
			}
		},
		"test_duplicate_sig_keyids": func(t *testing.T, s *simulator) {
			s.init()
			s.edit("snapshot", func(doc obj) {
				sigs := doc["signatures"].([]any)
				doc["signatures"] = append(sigs, sigs[0])
			})
			s.refresh(1)
			if s.has("snapshot") != 0 {
				t.Error("a signature that is there twice is taken")
			}
		},
		"test_keytype_and_scheme": func(t *testing.T, _ *simulator) {
			for _, kind := range []string{"rsa", "ecdsa", "ed25519"} {
				s := newSimulator(t)
				s.init()
				k := s.addKey("root", newTUFKey(kind))
				s.role("root")["threshold"] = 2
				s.publish("root")
				s.refresh(0)
				s.publish("root")
				s.edit("root", func(doc obj) {
					for _, sig := range doc["signatures"].([]any) {
						if sig.(obj)["keyid"] == k.id {
							sig.(obj)["sig"] = k.sign([]byte("something else"))
						}
					}
				})
				s.refresh(1)
				if s.has("root") != 2 {
					t.Errorf("%s: root %d", kind, s.has("root"))
				}
			}
		},
		"test_invalid_sig_in_valid_metadata": func(_ *testing.T, s *simulator) {
			s.init()
			old := s.keys["timestamp"][0].sign([]byte("something else"))
			first := s.keys["timestamp"][0].id
			s.addKey("timestamp", newTUFKey("ecdsa"))
			s.publish("root", "timestamp")
			put := func(sig string) {
				s.edit("timestamp", func(doc obj) {
					for _, x := range doc["signatures"].([]any) {
						if x.(obj)["keyid"] == first {
							x.(obj)["sig"] = sig
						}
					}
				})
			}
			put(old)
			s.refresh(0)
			s.publish("timestamp")
			put("")
			s.refresh(0)
			s.trusted(top("2", "3", "1", "1")...)
		},
		"test_root_rotation": func(t *testing.T, _ *simulator) {
			// From version 1 on, by whose keys root is signed, and up to which it is followed.
			for name, c := range map[string]struct {
				change []func(s *simulator)
				want   int
			}{
				"new key, signed by both":            {[]func(*simulator){func(s *simulator) { s.swapRoot(true) }}, 2},
				"new key, not signed by the old one": {[]func(*simulator){func(s *simulator) { s.swapRoot(false) }}, 1},
				"twice":                              {[]func(*simulator){func(s *simulator) { s.swapRoot(true) }, func(s *simulator) { s.swapRoot(true) }}, 3},
				"not signed by itself": {[]func(*simulator){func(s *simulator) {
					k := s.keys["root"]
					s.role("root")["keyids"] = []string{}
					s.addKey("root", newTUFKey("ecdsa"))
					s.keys["root"] = k
				}}, 1},
			} {
				s := newSimulator(t)
				s.init()
				for _, f := range c.change {
					f(s)
					s.publish("root")
				}
				want := 0
				if c.want != len(c.change)+1 {
					want = 1
				}
				s.refresh(want)
				if got := s.has("root"); got != c.want {
					t.Errorf("%s: root %d, want %d", name, got, c.want)
				}
			}
		},
		"test_non_root_rotations": func(t *testing.T, _ *simulator) {
			for _, role := range []string{"timestamp", "snapshot", "targets"} {
				s := newSimulator(t)
				s.init()
				s.refresh(0)
				s.rotate(role)
				s.publish("root")
				s.refresh(1) // what is served is signed by the old key
				s.publish("targets", "snapshot", "timestamp")
				s.refresh(0)
				s.trusted(top("2", "2", "2", "2")...)
			}
		},
	}
}

// swapRoot gives root another key, and keeps the old one as a signer or not.
func (s *simulator) swapRoot(keep bool) {
	old := s.keys["root"]
	s.role("root")["keyids"], s.keys["root"] = []string{}, nil
	s.addKey("root", newTUFKey("ecdsa"))
	if keep {
		s.keys["root"] = append(s.keys["root"], old...)
	}
}
