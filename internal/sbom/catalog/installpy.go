package catalog

import (
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// python joins the distributions of one folder. A need is a name, with the extras
// that it wants in brackets and, behind a semicolon, those of its own that ask for
// it: "httpx[http2,cli];test,dev".
func (in *imageGraph) python(ms []*manifestFact, ps []sbom.Package) {
	at := make(map[string]int32, len(ms))
	wanted := map[string]bool{} // "name extra"
	for _, m := range ms {
		n := place(m.of)
		at[ps[n].Name] = n
		for _, need := range m.needs {
			name, extras, _ := pyNeedOf(need)
			for _, extra := range extras {
				wanted[name+" "+extra] = true
			}
		}
	}
	for _, m := range ms {
		from := place(m.of)
		in.tell(from)
		for _, need := range m.needs {
			name, _, asks := pyNeedOf(need)
			ok := len(asks) == 0
			for _, extra := range asks {
				ok = ok || wanted[ps[from].Name+" "+extra]
			}
			if to, there := at[name]; ok && there {
				in.tell(from, to)
			}
		}
	}
}

// pyNeedOf takes a need apart: see [imageGraph.python].
func pyNeedOf(need string) (name string, wants, asks []string) {
	need, own, some := strings.Cut(need, ";")
	if some {
		asks = strings.Split(own, ",")
	}
	name, extras, some := strings.Cut(strings.TrimSuffix(need, "]"), "[")
	if some {
		wants = strings.Split(extras, ",")
	}
	return name, wants, asks
}

// requested are the distributions that pip was asked for (PEP 376); nil where it
// has noted of none.
func (in *imageGraph) requested(ms []*manifestFact) []int32 {
	var out []int32
	for _, m := range ms {
		if !strings.HasSuffix(m.path, "/METADATA") {
			continue
		}
		if _, ok := in.tree.Lookup(path.Join(path.Dir(m.path), "REQUESTED")); ok {
			out = append(out, place(m.of))
		}
	}
	return out
}
