package stream_test

import (
	"fmt"
	"testing"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// TestADeltaAsksOnceForAllItsRecords: a delta of many records costs statements as one
// of few does, and so do images that come in together.
func TestADeltaAsksOnceForAllItsRecords(t *testing.T) {
	asked := func(s *store.Store, do func()) int64 {
		before := s.Asked()
		do()
		return s.Asked() - before
	}
	cost := func(n int) (delta, images int64) {
		s := service(t, sqlite(t), rest(t, killedRest()...))
		var rs []record
		for i := range n {
			rs = append(rs, advisory(fmt.Sprintf("DEBIAN-CVE-2026-%d", i), "Debian:12", fmt.Sprintf("nobody-has-%d", i), "1", 1))
			add(t, s, fmt.Sprintf("app:%d", i), bookworm(deb("openssl", fmt.Sprintf("3.0.%d", i)), npm("lib-0", "1.0.0")))
		}
		images = asked(s.Store, func() { settle(t, s) })
		delta = asked(s.Store, func() { advise(t, s, lines(t, rs...)) })
		if l := len(open(t, s, add(t, s, "app:1", bookworm(deb("openssl", "3.0.1"), npm("lib-0", "1.0.0"))).ID)); l != 2 {
			t.Fatalf("%d findings: the test says nothing", l)
		}
		return delta, images
	}
	few, fewImages := cost(3)
	many, manyImages := cost(60)
	t.Logf("%d and %d statements for deltas of 3 and 60 records, %d and %d for as many images", few, many, fewImages, manyImages)
	if many > few+4 || manyImages > fewImages+8 {
		t.Errorf("%d and %d statements for deltas of 3 and 60 records, %d and %d for as many images", few, many, fewImages, manyImages)
	}
}
