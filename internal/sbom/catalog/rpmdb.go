package catalog

import (
	stdbinary "encoding/binary"
	"errors"
	"fmt"
)

var errRPMDB = errors.New("damaged package database")

// rpmHeaders calls do with every package header of a database, whose form its
// first bytes tell. It ends with do's first error.
//
// The libraries that read these forms trust the file: they loop on a page that
// names itself, take lengths at their word and run in goroutines whose panics
// nobody can catch. This reads a hostile one: every page and length is checked
// and the whole work is bounded by the file's size.
func rpmHeaders(f *spooled, do func(header []byte) error) error {
	var head [64]byte
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return fmt.Errorf("%w: %d bytes", errRPMDB, f.size)
	}
	db := &rpmFile{spooled: f, budget: 2*f.size + 1<<20}
	switch {
	case string(head[:16]) == sqliteMagic:
		return db.sqlite(do)
	case string(head[:4]) == "RpmP":
		return db.ndb(head[:], do)
	}
	for _, order := range []stdbinary.ByteOrder{stdbinary.LittleEndian, stdbinary.BigEndian} {
		if order.Uint32(head[12:]) == 0x061561 {
			return db.bdb(order, head[:], do)
		}
	}
	return fmt.Errorf("%w: neither SQLite, NDB nor a Berkeley DB hash", errRPMDB)
}

// rpmFile reads pieces of a database within a budget: no honest file has much
// more to read than its own size.
type rpmFile struct {
	*spooled
	budget int64
}

func (f *rpmFile) at(off, n int64) ([]byte, error) {
	if n < 0 || off < 0 || n > f.size || off > f.size-n {
		return nil, fmt.Errorf("%w: bytes %d to %d of %d", errRPMDB, off, off+n, f.size)
	}
	b := make([]byte, n)
	return b, f.into(b, off)
}

func (f *rpmFile) into(b []byte, off int64) error {
	if f.budget -= int64(len(b)) + 16; f.budget < 0 {
		return fmt.Errorf("%w: its pages are used more than once", errRPMDB)
	}
	if off < 0 || off > f.size-int64(len(b)) {
		return fmt.Errorf("%w: bytes %d to %d of %d", errRPMDB, off, off+int64(len(b)), f.size)
	}
	_, err := f.ReadAt(b, off)
	return err
}

// ndb reads rpm's own form (rpm, lib/backend/ndb/rpmpkg.c): slots of sixteen
// bytes from byte 32 on, each naming the block where a header lies.
func (f *rpmFile) ndb(head []byte, do func([]byte) error) error {
	le := stdbinary.LittleEndian
	if v := le.Uint32(head[4:]); v != 0 {
		return fmt.Errorf("%w: version %d", errRPMDB, v)
	}
	const maxSlotPages = 2048 // half a million packages
	if n := le.Uint32(head[12:]); n > maxSlotPages {
		return fmt.Errorf("%w: %d pages of slots", errRPMDB, n)
	}
	slots, err := f.at(0, int64(le.Uint32(head[12:]))*4096)
	if err != nil {
		return err
	}
	for s := 32; s+16 <= len(slots); s += 16 {
		slot := slots[s:]
		if string(slot[:4]) != "Slot" {
			return fmt.Errorf("%w: no slot at byte %d", errRPMDB, s)
		}
		index := le.Uint32(slot[4:])
		if index == 0 { // free
			continue
		}
		off := int64(le.Uint32(slot[8:])) * 16
		blob, err := f.at(off, 16)
		if err != nil {
			return err
		}
		n := int64(le.Uint32(blob[12:]))
		if string(blob[:4]) != "BlbS" || le.Uint32(blob[4:]) != index || n > maxRPMHeader {
			return fmt.Errorf("%w: no package %d at byte %d", errRPMDB, index, off)
		}
		header, err := f.at(off+16, n)
		if err != nil {
			return err
		}
		if err := do(header); err != nil {
			return err
		}
	}
	return nil
}

// The page types and the page header of Berkeley DB (libdb, dbinc/db_page.h).
const (
	bdbHashOld    = 2
	bdbOverflow   = 7
	bdbHashMeta   = 8
	bdbHash       = 13
	bdbPageHeader = 26

	bdbItemData = 1
	bdbItemPage = 3
)

// bdb reads a Berkeley DB hash: pages of keys and values by turns; a value too
// large for its page lies on a chain of overflow pages.
func (f *rpmFile) bdb(order stdbinary.ByteOrder, head []byte, do func([]byte) error) error {
	size := int64(order.Uint32(head[20:]))
	if head[24] != 0 || head[25] != bdbHashMeta || size < 512 || size > 64<<10 || size&(size-1) != 0 {
		return fmt.Errorf("%w: not a plain Berkeley DB hash", errRPMDB)
	}
	last := int64(order.Uint32(head[32:]))
	page := make([]byte, size)
	for no := int64(1); no <= last && (no+1)*size <= f.size; no++ {
		if err := f.into(page, no*size); err != nil {
			return err
		}
		if page[25] != bdbHash && page[25] != bdbHashOld {
			continue
		}
		entries := int64(order.Uint16(page[20:]))
		if bdbPageHeader+2*entries > size {
			return fmt.Errorf("%w: page %d holds %d items", errRPMDB, no, entries)
		}
		place := func(i int64) int64 { return int64(order.Uint16(page[bdbPageHeader+2*i:])) }
		for i := int64(1); i < entries; i += 2 {
			at, end := place(i), place(i-1) // items are laid down from the page's end
			if at >= size {
				return fmt.Errorf("%w: item %d of page %d", errRPMDB, i, no)
			}
			var header []byte
			switch page[at] {
			case bdbItemData:
				if end > size || end-at < 64 {
					continue // the counter of instances, key 0
				}
				header = page[at+1 : end]
			case bdbItemPage:
				if at+12 > size {
					return fmt.Errorf("%w: item %d of page %d", errRPMDB, i, no)
				}
				var err error
				header, err = f.overflow(order, size, int64(order.Uint32(page[at+4:])), int64(order.Uint32(page[at+8:])))
				if err != nil {
					return err
				}
			default:
				continue
			}
			if err := do(header); err != nil {
				return err
			}
		}
	}
	if (last+1)*size > f.size {
		return fmt.Errorf("%w: %d pages, the file ends after %d bytes", errRPMDB, last+1, f.size)
	}
	return nil
}

// overflow gathers a value of n bytes from the chain that begins at page no.
func (f *rpmFile) overflow(order stdbinary.ByteOrder, size, no, n int64) ([]byte, error) {
	if n > maxRPMHeader || n > f.size {
		return nil, fmt.Errorf("%w: a package of %d bytes", errRPMDB, n)
	}
	out := make([]byte, 0, n)
	page := make([]byte, size)
	for int64(len(out)) < n {
		if no == 0 {
			return nil, fmt.Errorf("%w: a package ends after %d of %d bytes", errRPMDB, len(out), n)
		}
		if err := f.into(page, no*size); err != nil {
			return nil, err
		}
		have := min(int64(order.Uint16(page[22:])), size-bdbPageHeader, n-int64(len(out)))
		if page[25] != bdbOverflow || have == 0 {
			return nil, fmt.Errorf("%w: page %d is not part of a package", errRPMDB, no)
		}
		out = append(out, page[bdbPageHeader:bdbPageHeader+have]...)
		no = int64(order.Uint32(page[16:]))
	}
	return out, nil
}
