package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A reach finds where the module's code uses what is not its own and reaches out of the
// program: by the types of the code, for each system that openclaw is built for.
type reach struct {
	t       *testing.T
	system  string // GOOS
	files   *token.FileSet
	outside map[string]string // import path → file of its compiled form, on this system
	gc      types.ImporterFrom
	own     map[string]*types.Package
	uses    map[string]int // "package function → what it uses", and how often
	unheard map[string]bool
}

const moduleName = "openclaw"

// Every way out of the program is known, and why no secret goes through it. A
// new one fails here, and so does one that is no more: mask what it writes, put the canary
// through it, in TestNoSinkShowsASecret or TestNoCommandShowsASecret, and name it. A package
// that nobody judged fails, too.
func TestEverySinkIsInTheCanarysWay(t *testing.T) {
	t.Parallel()
	uses, unjudged := scanned(t)
	for _, what := range unjudged {
		t.Errorf("nobody judged %s: is it in inProcess, or does it reach out, and what of it is harmless?", what)
	}
	places := strings.Split(sinkPlaces+", "+wholePlaces, ", ")
	left, leftOfTheCage := maps.Clone(waysOut), map[string]bool{}
	for in, row := range waysOfTheCage {
		for what := range strings.FieldsSeq(row.by) {
			leftOfTheCage[in+" → "+what] = true
		}
	}
	for _, use := range slices.Sorted(maps.Keys(uses)) {
		if strings.HasPrefix(use, "sandbox") {
			if !leftOfTheCage[use] {
				t.Errorf("a new way out of a cage: %s: say in waysOfTheCage what goes through it", use)
			}
			delete(leftOfTheCage, use)
			continue
		}
		if uses[use] > 1 {
			use = fmt.Sprintf("%s ×%d", use, uses[use])
		}
		row, known := left[use]
		if !known {
			t.Errorf("a new way out: %s: mask what it writes, put the canary through it, and name it in waysOut", use)
		} else if (row.seen == "") == (row.holds == "") || row.seen != "" && !slices.Contains(places, row.seen) {
			t.Errorf("%s: %q is nowhere that a canary comes by", use, row.seen)
		}
		delete(left, use)
	}
	for _, use := range slices.Sorted(maps.Keys(left)) {
		t.Errorf("%s is no more: take it out of waysOut", use)
	}
	for _, use := range slices.Sorted(maps.Keys(leftOfTheCage)) {
		t.Errorf("%s is no more: take it out of waysOfTheCage", use)
	}
}

// scanned are the uses of every system, each as often as on the one that has it most often,
// and what is in no list.
func scanned(t *testing.T) (uses map[string]int, unheard []string) {
	t.Helper()
	uses = map[string]int{}
	all := map[string]bool{}
	outside := compiled(t)
	for _, system := range []string{"linux", "darwin", "windows"} {
		s := &reach{t: t, system: system, files: token.NewFileSet(), outside: outside, own: map[string]*types.Package{}, uses: map[string]int{}, unheard: map[string]bool{}}
		s.gc = importer.ForCompiler(s.files, "gc", func(path string) (io.ReadCloser, error) {
			if name := s.outside[path]; name != "" {
				return os.Open(name)
			}
			return nil, errors.New("it is not compiled on this system")
		}).(types.ImporterFrom)
		for _, path := range partsOf(t, system) {
			s.check(path)
		}
		for use, count := range s.uses {
			uses[use] = max(uses[use], count)
		}
		maps.Copy(all, s.unheard)
	}
	return uses, slices.Sorted(maps.Keys(all))
}

// compiled are the packages that the program is made of and that are not its own.
func compiled(t *testing.T) map[string]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Export", moduleName+"/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	found := map[string]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct{ ImportPath, Export string }
		err := decoder.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		found[pkg.ImportPath] = pkg.Export
	}
}

// partsOf are the module's packages that the program is made of, on a system.
func partsOf(t *testing.T, system string) (paths []string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", moduleName+"/cmd/openclaw")
	cmd.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(path, moduleName+"/") {
			paths = append(paths, path)
		}
	}
	return paths
}

// check reads the package of a path, once, and what it uses.
func (s *reach) check(path string) *types.Package {
	if pkg := s.own[path]; pkg != nil {
		return pkg
	}
	dir := filepath.Join("..", "..", strings.TrimPrefix(path, moduleName+"/"))
	system := build.Default
	system.GOOS, system.CgoEnabled = s.system, false
	var files []*ast.File
	names, _ := filepath.Glob(filepath.Join(dir, "*.go")) // the pattern is ours
	for _, name := range names {
		if fits, err := system.MatchFile(dir, filepath.Base(name)); err != nil || !fits || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(s.files, name, nil, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		files = append(files, file)
	}
	// What other systems have is not compiled here: it has no types, and is known by its name alone.
	config := types.Config{Importer: s, FakeImportC: true, Error: func(error) {}}
	if s.system == build.Default.GOOS {
		config.Error = func(err error) { s.t.Error(err) }
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	pkg, _ := config.Check(path, s.files, files, info) // its errors are told above
	s.own[path] = pkg
	for _, file := range files {
		s.look(path, file, info)
	}
	return pkg
}

// Import implements types.Importer.
func (s *reach) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if strings.HasPrefix(path, moduleName+"/") {
		return s.check(path), nil
	}
	if pkg, err := s.gc.ImportFrom(path, "", 0); err == nil {
		return pkg, nil
	}
	empty := types.NewPackage(path, path[strings.LastIndexByte(path, '/')+1:])
	empty.MarkComplete()
	return empty, nil
}

// look notes each use in a file of what is another's.
func (s *reach) look(path string, file *ast.File, info *types.Info) {
	for _, declared := range file.Decls {
		in := strings.TrimPrefix(path, moduleName+"/") + " " + nameOf(declared)
		if strings.HasPrefix(in, "sandbox") { // a cage holds no secret: where it writes is said of a package
			in = strings.TrimPrefix(path, moduleName+"/")
		}
		ast.Inspect(declared, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if name, is := n.X.(*ast.Ident); is {
					if pkg, is := info.Uses[name].(*types.PkgName); is {
						s.note(in, pkg.Imported().Path(), n.Sel.Name, info.Uses[n.Sel])
						return false
					}
				}
			case *ast.Ident:
				if used := info.Uses[n]; used != nil && used.Pkg() != nil {
					s.note(in, used.Pkg().Path(), methodName(used), used)
				}
			case *ast.CompositeLit:
				if of, is := n.Type.(*ast.SelectorExpr); is && info.Uses[of.Sel] != nil && fmt.Sprint(of.X, of.Sel) == "execCmd" {
					s.t.Errorf("%s: make it by exec.CommandContext, which this test knows", s.files.Position(n.Pos()))
				}
			case *ast.CallExpr:
				// A panic ends on the standard error of the process as it is.
				if f, is := n.Fun.(*ast.Ident); is && f.Name == "panic" && !harmlessPanic(n.Args[0]) {
					s.t.Errorf("%s: panic with something that may hold data; return an error", s.files.Position(n.Pos()))
				}
				if f, is := n.Fun.(*ast.Ident); is && (f.Name == "print" || f.Name == "println") && info.Uses[f] == types.Universe.Lookup(f.Name) {
					s.t.Errorf("%s: %s writes to the standard error of the process as it is", s.files.Position(n.Pos()), f.Name)
				}
			}
			return true
		})
	}
	for _, spec := range file.Imports {
		if spec.Name != nil && spec.Name.Name == "." {
			s.t.Errorf("%s: import by its name what is used", s.files.Position(spec.Pos()))
		}
	}
}

// note counts a use of a function, a method or a variable that reaches out.
func (s *reach) note(in, path, name string, used types.Object) {
	switch used.(type) {
	case *types.TypeName, *types.Const:
		return
	}
	if below, is := strings.CutPrefix(path, moduleName+"/"); is {
		own := below + " " + name
		if v, is := used.(*types.Var); is && (!v.IsField() || v.Type().String() != "*os.File") {
			return
		}
		if slices.Contains(carriers, own) {
			s.uses[in+" → "+own]++
		}
		return
	}
	if v, is := used.(*types.Var); is && v.IsField() {
		return
	}
	harmless, known := harmless[path]
	switch {
	case !known && !slices.Contains(strings.Fields(inProcess), path):
		s.unheard["package "+path] = true
	case !known || slices.Contains(strings.Fields(harmless), name):
	default:
		s.uses[in+" → "+path[strings.LastIndexByte(path, '/')+1:]+"."+name]++
	}
}

// nameOf is the function that a declaration makes, with its type; "variables" for others.
func nameOf(declared ast.Decl) string {
	f, is := declared.(*ast.FuncDecl)
	if !is {
		return "variables"
	}
	if f.Recv == nil {
		return f.Name.Name
	}
	of := f.Recv.List[0].Type
	if star, is := of.(*ast.StarExpr); is {
		of = star.X
	}
	if index, is := of.(*ast.IndexExpr); is {
		of = index.X
	}
	return fmt.Sprint(of) + "." + f.Name.Name
}

// methodName is a method's name with its type's.
func methodName(used types.Object) string {
	f, is := used.(*types.Func)
	if !is {
		return used.Name()
	}
	receiver := f.Signature().Recv()
	if receiver == nil {
		return f.Name()
	}
	of := receiver.Type()
	if pointer, is := of.(*types.Pointer); is {
		of = pointer.Elem()
	}
	if named, is := of.(*types.Named); is {
		return named.Obj().Name() + "." + f.Name()
	}
	return f.Name()
}

// harmlessPanic: a constant, http.ErrAbortHandler, or what was recovered and
// goes on to net/http, which knows that value.
func harmlessPanic(argument ast.Expr) bool {
	switch a := argument.(type) {
	case *ast.BasicLit:
		return true
	case *ast.SelectorExpr:
		return a.Sel.Name == "ErrAbortHandler"
	case *ast.Ident:
		return a.Name == "p"
	}
	return false
}
