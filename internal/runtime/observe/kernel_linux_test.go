package observe

import "testing"

func TestLoad(t *testing.T) {
	k, err := load()
	if err != nil {
		t.Fatalf("%+v", err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
}
