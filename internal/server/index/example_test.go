package index_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/drydock-dev/drydock/internal/server/index"
	"github.com/drydock-dev/drydock/internal/server/store"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

func Example() {
	dir, err := os.MkdirTemp("", "index")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	st, err := store.Open(ctx, store.Options{Dir: dir, Now: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = st.Close() }()

	x := index.New(db.NewStack(), time.Now)   // the advisories at rest: here none
	if err := x.Follow(ctx, st); err != nil { // up to the newest event
		log.Fatal(err)
	}
	names := []vuln.Name{{Ecosystem: "npm", Package: "lodash"}}
	hit := x.Touched(names, nil)          // parts that an advisory speaks of
	found, upTo, err := x.Match(ctx, hit) // by the matcher of scans
	fmt.Println(len(found), upTo, err)
	page := x.Images(index.Query{Limit: 20})
	fmt.Println(page.Total)
	// Output:
	// 0 0 <nil>
	// 0
}
