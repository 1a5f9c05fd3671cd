package plugin_test

import (
	"log"
	"os"

	"github.com/drydock-dev/drydock/internal/plugin"
)

func Example() {
	exe, err := os.Executable()
	if err != nil {
		log.Fatal(err)
	}
	p := plugin.Installation{ConfigDir: "/home/me/.docker", Program: exe}
	if err := p.Install(); err != nil {
		log.Fatal(err)
	}
}
