package tests

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	countersign "github.com/countersign/countersign/sdk/go"
)

const module = "github.com/countersign/countersign/sdk/go"

var block = regexp.MustCompile("(?s)```(go|sh)\n(.*?)```")

// publish lays the module out as a Go proxy would serve it, and gives the environment in which
// `go get` finds it there and nothing else anywhere.
func publish(t *testing.T) []string {
	t.Helper()
	proxy, version := t.TempDir(), "v"+countersign.Version
	folder := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, text []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("list", []byte(version+"\n"))
	write(version+".info", fmt.Appendf(nil, `{"Version":%q}`, version))
	write(version+".mod", must[[]byte](t)(os.ReadFile("../go.mod")))
	write(version+".zip", pack(t, module+"@"+version+"/"))
	return append(os.Environ(), "GOPROXY=file://"+filepath.ToSlash(proxy), "GONOSUMDB=*", "GONOSUMCHECK=1", "GOFLAGS=-modcacherw",
		"GOMODCACHE="+t.TempDir(), "GOWORK=off", "GOTOOLCHAIN=local", "COUNTERSIGN_URL="+ready.BaseURL, "COUNTERSIGN_KEY="+ready.Key)
}

// pack is what the module's zip holds: folders with a go.mod of their own are other modules.
func pack(t *testing.T, prefix string) []byte {
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	err := fs.WalkDir(os.DirFS(".."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		if entry.IsDir() {
			if _, err := os.Stat(filepath.Join("..", path, "go.mod")); err == nil {
				return fs.SkipDir
			}
			return nil
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			return err
		}
		file, err := archive.Create(prefix + path)
		if err == nil {
			_, err = file.Write(text)
		}
		return err
	})
	if err != nil || archive.Close() != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func section(t *testing.T, title string) string {
	text := string(must[[]byte](t)(os.ReadFile("../README.md")))
	_, rest, found := strings.Cut(text, "\n## "+title+"\n")
	if !found {
		t.Fatal("README.md has no section", title)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	return rest
}

// The section "Start", from an empty folder to an approved code.
func TestReadmeStart(t *testing.T) {
	environment, folder := publish(t), t.TempDir()
	to := newNumber(t)
	for _, found := range block.FindAllStringSubmatch(section(t, "Start"), -1) {
		language, text := found[1], found[2]
		if language == "go" {
			if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		// Only the phone differs: each run has one of its own.
		command := exec.Command("sh", "-ec", strings.ReplaceAll(text, "+48500500500", to))
		command.Dir, command.Env = folder, environment
		in := must[io.WriteCloser](t)(command.StdinPipe())
		var errors bytes.Buffer
		command.Stderr = &errors
		out := bufio.NewReader(must[io.ReadCloser](t)(command.StdoutPipe()))
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		if asked, _ := out.ReadString(':'); strings.HasPrefix(asked, "Code") {
			fmt.Fprintln(in, codeOf(t, to))
		}
		printed, _ := io.ReadAll(out)
		if err := command.Wait(); err != nil {
			t.Fatalf("%s: %v\n%s%s", text, err, printed, errors.String())
		}
		if strings.HasPrefix(text, "go run") && strings.TrimSpace(string(printed)) != "approved" {
			t.Fatalf("it printed %q", printed)
		}
	}
	if len(inbox(t, to)) != 1 {
		t.Error(len(inbox(t, to)), "messages")
	}
}

// The other blocks compile, each as a function of its own.
func TestReadmeCompiles(t *testing.T) {
	text := string(must[[]byte](t)(os.ReadFile("../README.md")))
	folder, blocks := t.TempDir(), 0
	var out strings.Builder
	fmt.Fprintf(&out, "package main\n\nimport (\"context\"; \"errors\"; \"io\"; \"log\"; \"net/http\"; \"os\"; \"time\"; countersign %q)\n\n", module)
	out.WriteString("var (_ = errors.New; _ = io.EOF; _ = log.Print; _ http.Handler; _ = os.Args; _ time.Time)\n\nfunc main() {}\n")
	for _, found := range block.FindAllStringSubmatch(text, -1) {
		if found[1] != "go" || strings.HasPrefix(found[2], "package") {
			continue
		}
		blocks++
		fmt.Fprintf(&out, "\nfunc block%d(ctx context.Context, client *countersign.Client, verification countersign.Verification) error {\n%s\nreturn nil\n}\n",
			blocks, found[2])
	}
	if blocks < 6 {
		t.Error("only", blocks, "blocks were found")
	}
	if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte(out.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("sh", "-ec", "go mod init example.com/blocks; go get "+module+"; go vet .")
	command.Dir, command.Env = folder, publish(t)
	if printed, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, printed, out.String())
	}
}
