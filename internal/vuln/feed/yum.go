package feed

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

// amazonCDN is where Amazon serves the repositories of its distributions from; the
// first distribution is served elsewhere.
const (
	amazonCDN = "https://cdn.amazonlinux.com"
	amazonOld = "http://repo.us-west-2.amazonaws.com"
)

// Releases that are asked for by name; later ones are found as long as each
// follows the one before.
const (
	fedoraFirst = 38
	fedoraLast  = 44
	photonLast  = 5
)

// maxIndex limits the bytes of a list of mirrors or of a repository's documents.
const maxIndex = 4 << 20

// amazon are the repositories of Amazon's distributions, core and extra.
func (u *Updater) amazon() []part {
	base, old := u.bases().Amazon, u.bases().Amazon
	if u.Bases.Amazon == "" {
		old = amazonOld
	}
	return []part{
		u.amazonPart("1", old+"/2018.03/updates/x86_64", true),
		u.amazonPart("2", base+"/2/core/latest/x86_64", true),
		u.amazonPart("2023", base+"/al2023/core/mirrors/latest/x86_64", true),
	}
}

// amazonExtras are the extra repositories of Amazon Linux 2, which a catalogue lists;
// none where there is no catalogue.
func (u *Updater) amazonExtras(ctx context.Context) ([]part, error) {
	base := u.bases().Amazon
	b, err := u.index(ctx, "amazon", base+"/2/extras-catalog.json")
	if isMissing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var in struct {
		Topics []struct {
			Name string `json:"n"`
		} `json:"topics"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("read the catalogue of extra repositories: %w", err)
	}
	var out []part
	for _, t := range in.Topics {
		if !validID(t.Name) || len(out) == 1000 {
			return nil, fmt.Errorf("read the catalogue of extra repositories: topic %q", clip(t.Name))
		}
		out = append(out, u.amazonPart("2-"+strings.ToLower(t.Name), base+"/2/extras/"+url.PathEscape(t.Name)+"/latest/x86_64", true))
	}
	return out, nil
}

func (u *Updater) amazonPart(name, dir string, optional bool) part {
	return part{
		source: "amazon", name: name, optional: optional, read: readRecords(UpdateInfo),
		locate: func(ctx context.Context) (string, error) {
			root, err := u.amazonMirror(ctx, dir)
			if err != nil {
				return "", err
			}
			return u.updateInfo(ctx, "amazon", root)
		},
	}
}

// amazonMirror is the address of a repository, whose list of mirrors is in a
// folder; without a list, the folder itself.
func (u *Updater) amazonMirror(ctx context.Context, dir string) (string, error) {
	b, err := u.index(ctx, "amazon", dir+"/mirror.list")
	if isMissing(err) {
		return dir, nil
	}
	if err != nil {
		return "", err
	}
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		line := strings.TrimSuffix(strings.TrimSpace(lines.Text()), "/")
		at, err := url.Parse(line)
		if err != nil || line == "" || line[0] == '#' {
			continue
		}
		switch own := u.Bases.Amazon; {
		case own == "" && (strings.HasPrefix(line, amazonCDN+"/") || strings.HasSuffix(at.Hostname(), ".amazonaws.com")):
			return line, nil
		case own != "" && strings.HasPrefix(line, strings.TrimSuffix(own, "/")+"/"):
			return line, nil
		case own != "" && at.IsAbs(): // a copy of Amazon's list: the repository is here too
			return strings.TrimSuffix(own, "/") + at.EscapedPath(), nil
		}
	}
	return "", fmt.Errorf("%s/mirror.list names no mirror of Amazon's", dir)
}

// fedora are the updates of Fedora's releases, from one to another.
func (u *Updater) fedora(first, last int) (parts []part) {
	bases := []string{u.bases().Fedora}
	if u.Bases.Fedora == "" {
		bases = append(bases, "https://dl.fedoraproject.org/pub/archive/fedora/linux/updates")
	}
	for n := first; n <= last; n++ {
		parts = append(parts, part{
			source: "fedora", name: fmt.Sprint(n), optional: true, read: readRecords(UpdateInfo),
			locate: func(ctx context.Context) (at string, err error) {
				for _, base := range bases {
					if at, err = u.updateInfo(ctx, "fedora", fmt.Sprintf("%s/%d/Everything/x86_64", base, n)); !isMissing(err) {
						break
					}
				}
				return at, err
			},
		})
	}
	return parts
}

func photonPart(base string, n int) part {
	release := fmt.Sprint(n, ".0")
	return part{
		source: "photon", name: release, url: base + "/cve_data_photon" + release + ".json", optional: true,
		read: readRecords(func(r io.Reader, yield func(Record) error) error { return Photon(r, release, yield) }),
	}
}

// updateInfo is the address of a repository's notices, as its index names it.
func (u *Updater) updateInfo(ctx context.Context, source, root string) (string, error) {
	b, err := u.index(ctx, source, root+"/repodata/repomd.xml")
	if err != nil {
		return "", err
	}
	href, err := updateInfoOf(b)
	if err != nil {
		return "", fmt.Errorf("%s/repodata/repomd.xml: %w", root, err)
	}
	if href == "" { // a repository without notices
		return "", &StatusError{root + "/repodata/updateinfo.xml", http.StatusNotFound}
	}
	return root + "/" + href, nil
}

// updateInfoOf is where a repository's index says that its notices are, below the
// repository; "" where it has none.
func updateInfoOf(index []byte) (string, error) {
	var in struct {
		Data []struct {
			Type     string `xml:"type,attr"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"data"`
	}
	if err := xml.Unmarshal(index, &in); err != nil {
		return "", cut(err)
	}
	for _, d := range in.Data {
		if d.Type != "updateinfo" {
			continue
		}
		href := d.Location.Href
		at, err := url.Parse(href)
		if err != nil || at.IsAbs() || href == "" || href[0] == '/' || strings.Contains(href, "..") {
			return "", fmt.Errorf("its notices are at %q", clip(href))
		}
		return at.EscapedPath(), nil
	}
	return "", nil
}

// index fetches a small document that says where others are.
func (u *Updater) index(ctx context.Context, source, at string) ([]byte, error) {
	file, _, err := u.download(ctx, source, at, version{})
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, maxIndex+1))
	if err == nil && len(b) > maxIndex {
		err = fmt.Errorf("%s: %w", at, ErrLimit)
	}
	return b, errors.Join(err, f.Close(), ignoreAbsent(os.Remove(file)))
}

// isMissing reports whether an upstream answers that there is no such document.
func isMissing(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status == http.StatusNotFound
}
