package feed

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// KEV reads CISA's catalogue of known exploited vulnerabilities and yields each
// with the day it was added and its name. It returns when the catalogue was released.
func KEV(r io.Reader, yield func(vuln.Meta) error) (time.Time, error) {
	s := newStream(r)
	var released string
	seen := false
	err := s.object(func(key string) error {
		switch key {
		case "dateReleased":
			return s.value(&released)
		case "vulnerabilities":
			seen = true
			return s.array(func() error {
				var v struct {
					ID    string `json:"cveID"`
					Added string `json:"dateAdded"`
					Name  string `json:"vulnerabilityName"`
				}
				if err := s.value(&v); err != nil {
					return err
				}
				if !validID(v.ID) {
					return fmt.Errorf("a vulnerability named %q", clip(v.ID))
				}
				if _, ok := date(v.Added); !ok {
					return fmt.Errorf("%s was added on %q", v.ID, clip(v.Added))
				}
				m := vuln.Meta{ID: v.ID, KEV: true, KEVAdded: v.Added, Title: title(v.Name)}
				if m.Title != "" {
					m.TitleBy = "kev"
				}
				return yield(m)
			})
		}
		return s.skip()
	})
	if err == nil && !seen {
		err = errors.New("no vulnerabilities in it")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read KEV catalogue: %w", cut(err))
	}
	return nvdTime(released), nil
}
