package cache_test

import (
	"fmt"
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/cache"
)

func Example() {
	dir, err := os.MkdirTemp("", "cache")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	type Record struct{ Files int }

	c := &cache.Cache{Dir: dir}
	key := cache.KeyOf[Record]("layer", 2, "sha256:7d9f")
	for range 2 {
		rec, ok := cache.Get(c, key)
		if !ok {
			rec = &Record{Files: 3} // what is expensive
			if err := cache.Put(c, key, rec); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(rec.Files, "files, kept:", ok)
	}
	// Output:
	// 3 files, kept: false
	// 3 files, kept: true
}
