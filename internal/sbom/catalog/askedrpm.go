package catalog

import (
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/drydock-dev/drydock/internal/layer"
)

// rpmReasons are the packages that zypp, dnf or yum installed for others, a name a
// line; nothing where a file does not tell.
func rpmReasons(f layer.Input) ([]byte, error) {
	var names []string
	switch f.Path {
	case dnfHistory + "-wal": // only that there is something in it
		n, err := io.ReadFull(f.Body, make([]byte, 1))
		if n == 0 {
			return nil, notEnd(err)
		}
	case dnfHistory:
		var ok bool
		if names, ok = dnfBrought(f.Body); !ok {
			return nil, nil
		}
	case dnf5Reasons:
		text, err := io.ReadAll(io.LimitReader(f.Body, layer.MaxBuffer))
		if err != nil {
			return nil, err
		}
		var ok bool
		if names, ok = dnf5Brought(text); !ok {
			return nil, nil
		}
	case zyppAuto:
		err := eachLine(f.Body, maxText, func(line []byte) {
			if name := strings.TrimSpace(string(line)); name != "" && name[0] != '#' && len(names) < maxRPMNames {
				names = append(names, name)
			}
		})
		if err != nil {
			return nil, err
		}
	default: // yum's folder "HASH-NAME-VERSION-RELEASE-ARCH"
		text, err := io.ReadAll(io.LimitReader(f.Body, 64))
		if err != nil {
			return nil, err
		}
		parts := strings.Split(path.Base(path.Dir(f.Path)), "-")
		if n := len(parts); n >= 5 && strings.TrimSpace(string(text)) == "dep" {
			names = []string{strings.Join(parts[1:n-3], "-")}
		}
	}
	return []byte(strings.Join(names, "\n") + "\n"), nil
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// dnf5Brought reads what dnf 5 says of each package, "NAME.ARCH".
func dnf5Brought(text []byte) ([]string, bool) {
	var doc struct {
		Packages map[string]struct{ Reason string }
	}
	if toml.Unmarshal(text, &doc) != nil || len(doc.Packages) == 0 {
		return nil, false
	}
	asked, brought := map[string]bool{}, map[string]bool{}
	for id, p := range doc.Packages {
		name := id
		if i := strings.LastIndexByte(id, '.'); i > 0 {
			name = id[:i]
		}
		switch p.Reason {
		case "Dependency", "Weak Dependency":
			brought[name] = true
		default:
			asked[name] = true
		}
	}
	return without(brought, asked), true
}

// without is what is in a and not in b, in order.
func without(a, b map[string]bool) []string {
	maps.DeleteFunc(a, func(name string, _ bool) bool { return b[name] })
	return slices.Sorted(maps.Keys(a))
}

// The reasons and states of libdnf's transactions (libdnf, transaction/Types.hpp).
const (
	dnfDependency = 1
	dnfWeak       = 4
	dnfDone       = 1
)

// dnfBrought reads the history of dnf 4: of each package the reason in its last
// transaction.
func dnfBrought(r io.Reader) ([]string, bool) {
	f, err := spool(r, layer.MaxBuffer)
	if err != nil {
		return nil, false
	}
	defer f.close()
	db, err := openSQLite(&rpmFile{spooled: f, budget: 2*f.size + 1<<20})
	if err != nil {
		return nil, false
	}
	type item struct{ name, arch string }
	items := map[int64]item{}
	err = db.rows("rpm", func(v []column) {
		if len(v) >= 6 && len(v[1].data) <= maxName && len(items) < maxRPMNames {
			items[v[0].integer()] = item{string(v[1].data), string(v[5].data)}
		}
	})
	if err != nil || len(items) == 0 {
		return nil, false
	}
	type last struct{ transaction, reason int64 }
	lasts := map[item]last{}
	err = db.rows("trans_item", func(v []column) {
		if len(v) < 7 || v[6].integer() != dnfDone {
			return
		}
		it, ok := items[v[2].integer()]
		if now := v[1].integer(); ok && now >= lasts[it].transaction {
			lasts[it] = last{now, v[5].integer()}
		}
	})
	if err != nil || len(lasts) == 0 {
		return nil, false
	}
	asked, brought := map[string]bool{}, map[string]bool{}
	for it, l := range lasts {
		switch l.reason {
		case dnfDependency, dnfWeak:
			brought[it.name] = true
		default:
			asked[it.name] = true
		}
	}
	return without(brought, asked), true
}
