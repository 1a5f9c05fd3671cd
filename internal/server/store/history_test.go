package store_test

import (
	"slices"
	"testing"

	"github.com/drydock-dev/drydock/internal/server/store"
)

// TestDays: a day is replaced by what it came to, days are an environment's, and the oldest
// come first.
func TestDays(t *testing.T) {
	onBoth(t, func(t *testing.T, opt store.Options) {
		s := open(t, opt)
		day := func(day, env string, critical int) store.Day {
			return store.Day{Day: day, Env: env, Numbers: store.Numbers{Images: 9, Critical: critical, Policies: []store.DayPolicy{{ID: "p", Complies: critical}}}}
		}
		for _, days := range [][]store.Day{
			{day("2026-11-30", "", 3), day("2026-11-30", "prod", 1)}, {day("2026-11-29", "", 5)}, {day("2026-11-30", "", 2)}, {day("2026-01-01", "", 8)}, {},
		} {
			if err := s.PutDays(t.Context(), days); err != nil {
				t.Fatal(err)
			}
		}
		for env, want := range map[string][]int{"": {5, 2}, "prod": {1}, "none": nil} {
			days, err := s.Days(t.Context(), env, "2026-11-01")
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, d := range days {
				if d.Env != env || d.Images != 9 || len(d.Policies) != 1 || d.Policies[0].Complies != d.Critical {
					t.Errorf("%+v", d)
				}
				got = append(got, d.Critical)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: %v, and not %v", env, got, want)
			}
		}
	})
}
