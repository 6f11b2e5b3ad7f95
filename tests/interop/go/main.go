// Verify has Go's own packages judge notes, proofs and tiles: a JSON array of cases on standard input, and for each of
// them the reason to refuse it (empty: accepted) in a JSON array on standard output.
package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

type proof struct {
	Number int64
	Hashes [][]byte
}

type testCase struct {
	Kind    string
	Vkeys   []string
	Origin  string
	Note    []byte
	OldNote []byte
	Leaf    []byte
	Proof   proof
	Tiles   map[string][]byte
	Records []proof
	Trees   []proof
}

func main() {
	var cases []testCase
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	reasons := make([]string, len(cases))
	for i, c := range cases {
		if err := judge(c); err != nil {
			reasons[i] = err.Error()
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(reasons); err != nil {
		os.Exit(1)
	}
}

func judge(c testCase) error {
	tree, err := openTree(c.Note, c.Origin, c.Vkeys)
	if err != nil {
		return err
	}
	switch c.Kind {
	case "checkpoint":
		return nil
	case "inclusion":
		hashes, err := asHashes(c.Proof.Hashes)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(hashes, tree.N, tree.Hash, c.Proof.Number, tlog.RecordHash(c.Leaf))
	case "consistency":
		old, err := openTree(c.OldNote, c.Origin, c.Vkeys)
		if err != nil {
			return err
		}
		hashes, err := asHashes(c.Proof.Hashes)
		if err != nil {
			return err
		}
		return tlog.CheckTree(hashes, tree.N, tree.Hash, old.N, old.Hash)
	case "tiles":
		return judgeTiles(c, tree)
	}
	return errors.New("unknown kind of case")
}

// openTree verifies a checkpoint's note. The package's own reader of trees wants the origin of Go's database, so the
// three lines are read here.
func openTree(data []byte, origin string, vkeys []string) (tlog.Tree, error) {
	var tree tlog.Tree
	var known []note.Verifier
	for _, vkey := range vkeys {
		verifier, err := note.NewVerifier(vkey)
		if err != nil {
			return tree, err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open(data, note.VerifierList(known...))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != origin {
		return tree, errors.New("not a checkpoint of this origin")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tree, errors.New("malformed root")
	}
	copy(tree.Hash[:], root)
	return tree, nil
}

func asHashes(list [][]byte) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(list))
	for i, data := range list {
		if len(data) != tlog.HashSize {
			return nil, errors.New("malformed hash")
		}
		copy(hashes[i][:], data)
	}
	return hashes, nil
}

// judgeTiles has Go authenticate the tiles against the signed root, make proofs of them, and compare them with ours.
func judgeTiles(c testCase, tree tlog.Tree) error {
	reader := tlog.TileHashReader(tree, served(c.Tiles))
	for _, ours := range c.Records {
		made, err := tlog.ProveRecord(tree.N, ours.Number, reader)
		if err := same(ours, made, err); err != nil {
			return err
		}
	}
	for _, ours := range c.Trees {
		made, err := tlog.ProveTree(tree.N, ours.Number, reader)
		if err := same(ours, made, err); err != nil {
			return err
		}
	}
	return nil
}

func same(ours proof, made []tlog.Hash, err error) error {
	if err != nil {
		return err
	}
	hashes, err := asHashes(ours.Hashes)
	if err != nil {
		return err
	}
	if len(made)+len(hashes) > 0 && !reflect.DeepEqual(hashes, made) {
		return fmt.Errorf("another proof for %d", ours.Number)
	}
	return nil
}

// served gives out the tiles of a C2SP log, whose paths do not name the height as Go's do.
type served map[string][]byte

func (s served) Height() int { return tileHeight }

func (s served) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, ok := s[path]
		if !ok {
			return nil, fmt.Errorf("there is no %s", path)
		}
		found = append(found, data)
	}
	return found, nil
}

func (s served) SaveTiles([]tlog.Tile, [][]byte) {}
