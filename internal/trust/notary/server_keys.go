package notary

import (
	"encoding/json"

	"github.com/drydock-dev/drydock/internal/trust"
)

// key is the public key with which the server signs a role: the one that root names,
// or where none is, or a fresh one is asked for, one that waits for a root that names
// it.
func (s *Server) key(gun, role string, fresh bool) ([]byte, error) {
	var out wireKey
	err := s.shelf.alone(gun, func() error {
		c, err := s.shelf.load(gun)
		if err != nil {
			return err
		}
		st, err := s.shelf.state(c)
		if err != nil {
			return err
		}
		active := map[string]bool{}
		if st[trust.Root] != nil {
			root, err := decode[rootBody](trust.Root, st[trust.Root])
			if err != nil {
				return err
			}
			for _, id := range root.body.Roles[role].KeyIDs {
				active[id] = true
			}
		}
		var waiting *wireKey
		for _, k := range c.Keys {
			w, err := k.public()
			if err != nil {
				return err
			}
			if k.Role != role {
				continue
			}
			if active[w.id()] && !fresh {
				out = w
				return nil
			}
			if !active[w.id()] {
				waiting = &w // one that was asked for before, and is in no root yet, is fresh
			}
		}
		if waiting != nil {
			out = *waiting
			return nil
		}
		if len(c.Keys) >= maxOwnKeys {
			c.drop(role, active)
		}
		p, err := trust.GenerateKey(trust.ECDSA)
		if err != nil {
			return err
		}
		private, err := p.Plain(nil)
		if err != nil {
			return err
		}
		c.Keys = append(c.Keys, storedKey{role, string(private)})
		if out, err = newWireKey(p.Key().Public()); err != nil {
			return err
		}
		return s.shelf.save(c)
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// drop forgets the keys of a role that are in use no more.
func (c *contents) drop(role string, active map[string]bool) {
	var kept []storedKey
	for _, k := range c.Keys {
		if w, err := k.public(); err != nil || k.Role != role || active[w.id()] {
			kept = append(kept, k)
		}
	}
	c.Keys = kept
}

func (k storedKey) open() (trust.Private, error) {
	f, err := trust.ParseKeyFile([]byte(k.Private))
	if err != nil {
		return trust.Private{}, err
	}
	return f.Open(nil)
}

func (k storedKey) public() (wireKey, error) {
	p, err := k.open()
	if err != nil {
		return wireKey{}, err
	}
	return newWireKey(p.Key().Public())
}

// signers are those of the server's keys that are among these.
func (c *contents) signers(role string, _ map[string]wireKey, ids []string) ([]signer, error) {
	var out []signer
	for _, k := range c.Keys {
		p, err := k.open()
		if err != nil {
			return nil, err
		}
		w, err := newWireKey(p.Key().Public())
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if id == w.id() && k.Role == role {
				out = append(out, signer{id, p})
			}
		}
	}
	return out, nil
}
