package notary_test

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/trust/notary"
)

// nothing is a server that has no metadata.
type nothing struct{}

func (nothing) Get(context.Context, string, int64) ([]byte, error) { return nil, fs.ErrNotExist }

func Example() {
	c := &notary.Client{
		GUN: "docker.io/library/alpine", State: notary.State{}, Source: nothing{}, Now: time.Now(),
	}
	repo, err := c.Update(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	verdict := repo.View().Judge("v1.0", finding.DigestOf([]byte("the manifest")))
	fmt.Println(verdict.Text())
	// Output: the Notary server has no trust metadata of docker.io/library/alpine: nothing in it is signed
}
