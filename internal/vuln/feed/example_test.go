package feed_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/drydock-dev/drydock/internal/vuln/feed"
)

// An update asks the upstreams, or a mirror of them.
func Example() {
	u := feed.Updater{Dir: "/var/lib/drydock", Now: time.Now, Bases: feed.Mirror("https://mirror.example/advisories")}
	report, err := u.Update(context.Background(), []string{"Debian", "npm"}, true)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range report.Sources {
		fmt.Println(s.Name)
	}
}
