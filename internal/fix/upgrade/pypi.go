package upgrade

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// pypi is the Python package index.
const pypi = "https://pypi.org/"

// PyPI asks the index at the address, or pypi.org. It is nil where pip is told of
// another one: what that has is not pypi.org's to say.
func PyPI(h plan.HTTP) plan.Distributions {
	if h.Base == "" && (!isPyPI(os.Getenv("PIP_INDEX_URL")) || os.Getenv("PIP_EXTRA_INDEX_URL") != "") {
		return nil
	}
	return &pypiHTTP{base: strings.TrimRight(cmp.Or(h.Base, pypi), "/") + "/", http: h, known: map[string]plan.Distribution{}}
}

// isPyPI reports whether an index is the public one; "" is.
func isPyPI(address string) bool {
	return slices.Contains([]string{"", "https://pypi.org/simple", "https://pypi.python.org/simple"}, strings.TrimRight(address, "/"))
}

// pypiHTTP keeps what it was told; it serves one Plan at a time.
type pypiHTTP struct {
	base  string
	http  plan.HTTP
	known map[string]plan.Distribution
}

func (p *pypiHTTP) Distribution(ctx context.Context, name, version string) (plan.Distribution, error) {
	name = vuln.NormalName("PyPI", name)
	key := name + "==" + version
	if d, ok := p.known[key]; ok {
		return d, nil
	}
	if !gemName(name) || !plan.Plausible(version) {
		return plan.Distribution{}, fmt.Errorf("%.80q is no name of a package with a version", key)
	}
	body, err := p.http.Get(ctx, p.base+"pypi/"+name+"/"+url.PathEscape(version)+"/json", "application/json")
	if err != nil {
		return plan.Distribution{}, err
	}
	d, err := parsePyPI(body)
	if err != nil {
		return plan.Distribution{}, fmt.Errorf("what the registry says of %s: %w", key, err)
	}
	p.known[key] = d
	return d, nil
}

// parsePyPI reads what the index says of one version.
func parsePyPI(body []byte) (plan.Distribution, error) {
	var doc struct {
		Info struct {
			RequiresDist   []string `json:"requires_dist"`
			RequiresPython string   `json:"requires_python"`
			Yanked         bool
		}
		URLs []struct{ Digests struct{ SHA256 string } } `json:"urls"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return plan.Distribution{}, err
	}
	d := plan.Distribution{Needs: doc.Info.RequiresDist, Python: doc.Info.RequiresPython, Withdrawn: doc.Info.Yanked}
	for _, u := range doc.URLs {
		sum, err := hex.DecodeString(u.Digests.SHA256)
		if err != nil || len(sum) != 32 {
			return plan.Distribution{}, errors.New("a file without its hash")
		}
		d.Hashes = append(d.Hashes, "sha256:"+hex.EncodeToString(sum))
	}
	if len(d.Hashes) == 0 {
		return plan.Distribution{}, errors.New("it names no file")
	}
	slices.Sort(d.Hashes)
	d.Hashes = slices.Compact(d.Hashes)
	return d, nil
}
