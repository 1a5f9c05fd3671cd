package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// pythonApp is an application in Python with what is installed for it.
type pythonApp struct {
	*carrying
	folder string
	start  started
	venv   string // where its packages are to be
	first  int    // the first instruction that installs packages
}

func isPython(c *conversion) bool {
	return parseReference(c.stage.Base).official() == "python"
}

var pythonPrograms = []string{
	"python", "python3", "pip", "pip3", "poetry", "pipenv", "uv", "pdm", "django-admin", "flask", "alembic", "pytest", "tox", "make", "cython", "maturin",
	"npm", "yarn", "node", "playwright-none", "virtualenv", "pybabel", "sphinx-build", "mkdocs", "gunicorn", "pyinstaller",
}

const venvPath = "/opt/venv"

func convertPython(c *conversion) error {
	a := &pythonApp{carrying: &carrying{conversion: c, programs: pythonPrograms, buildEnv: []string{"PIP_NO_CACHE_DIR", "PIP_DISABLE_PIP_VERSION_CHECK", "PIP_DEFAULT_TIMEOUT", "POETRY_VERSION", "POETRY_HOME", "POETRY_NO_INTERACTION", "POETRY_VIRTUALENVS_CREATE", "POETRY_CACHE_DIR"}}, start: c.start(), first: -1}
	if a.start.at < 0 {
		return refuse(nil, "the file has neither CMD nor ENTRYPOINT: what a container of it is for cannot be told")
	}
	var ok bool
	if a.folder, ok = c.workdir(c.stage, c.stage.End); !ok {
		return refuse(nil, "the working directory cannot be told")
	}
	if a.folder == "/" {
		return refuse(nil, "the application lies in the root folder, and what of it is the application's cannot be told")
	}
	if err := a.unseen(a.start.words); err != nil {
		return err
	}
	if err := a.installed(); err != nil {
		return err
	}
	var err error
	if a.base, err = a.runtime(KindPython, a.stage); err != nil {
		return err
	}
	a.folders = []string{a.venv, a.folder}
	if _, inside := below(a.venv, a.folder); inside {
		a.folders = []string{a.folder}
	}
	if err := a.libraries(); err != nil {
		return err
	}
	if err := a.carry(); err != nil {
		return err
	}
	if err := a.command(); err != nil {
		return err
	}
	if len(a.dropped) == 0 && a.base == a.stage.BaseRaw {
		return refuse(nil, "nothing of the build would be left behind: the base is small, and no compilers are installed")
	}
	a.environment()
	a.fromBuild()
	if a.base != a.stage.BaseRaw {
		a.undecided("whether the program starts others that the slim image has not (curl, git, a compiler), or loads libraries that only the full one has")
	}
	return nil
}

// installed finds what installs the packages, and where they go.
func (a *pythonApp) installed() error {
	for _, r := range a.runs() {
		in := &a.File.Instructions[r.at]
		p, args := r.Program(), r.Operands("-r", "-c", "-i", "--index-url", "--extra-index-url", "-m")
		if v, ok := r.Value("-m"); ok && (p == "python" || p == "python3") && (v.Text == "pip" || v.Text == "venv" || v.Text == "virtualenv") {
			p = v.Text
		}
		switch {
		case (p == "venv" || p == "virtualenv" || p == "uv" && len(args) > 0 && args[0].Text == "venv") && a.venv == "":
			if len(args) == 0 || r.dir == "" {
				return refuse(in, "where the virtual environment is made cannot be told")
			}
			to, known := a.Scopes.Expand(a.stage, r.at, args[len(args)-1].Text)
			if p == "uv" && len(args) == 1 {
				to = ".venv"
			}
			if !known && to == "" || strings.Contains(to, "$") {
				return refuse(in, "where the virtual environment is made cannot be told")
			}
			a.venv = absolute(r.dir, to)
			a.note("the file makes its own virtual environment in %s", a.venv)
		case (p == "pip" || p == "pip3") && len(args) > 0 && args[0].Text == "install" || (p == "python" || p == "python3") && slices.ContainsFunc(args, func(w dockerfile.ShellWord) bool { return w.Text == "setup.py" }) && r.Has("install"):
			if r.Has("--target", "-t", "--prefix", "--root") {
				return refuse(in, "pip installs into a folder of its own, and whether that is found in another stage cannot be told")
			}
			if r.Has("--user") {
				return refuse(in, "pip installs for one user (--user), which a virtual environment does not allow")
			}
			if a.first < 0 && !managersOnly(args[1:]) {
				a.first = r.at
			}
		case p == "pip" || p == "pip3":
		case (p == "poetry" || p == "pipenv") && len(args) > 0 && (args[0].Text == "install" || args[0].Text == "sync"):
			if a.first < 0 {
				a.first = r.at
			}
			if p == "pipenv" && !r.Has("--system") {
				return refuse(in, "pipenv makes a virtual environment of its own, in a folder that only it knows")
			}
			a.developed(r, p)
		case p == "uv" && len(args) > 0 && (args[0].Text == "sync" || args[0].Text == "pip"):
			if a.first < 0 {
				a.first = r.at
			}
			if args[0].Text == "sync" && a.venv == "" {
				a.venv = path.Join(r.dir, ".venv")
				if v := a.Scopes.Variable(a.stage, r.at, "UV_PROJECT_ENVIRONMENT"); v.Set {
					a.venv = v.Value
				}
				a.note("uv makes the virtual environment %s", a.venv)
			} else if r.Has("--system") {
				return refuse(in, "uv installs into the system, where a virtual environment is not looked at (--system)")
			}
		case p == "conda" || p == "pdm" || p == "mamba":
			return refuse(in, "%s installs, and where to cannot be told", p)
		}
	}
	if a.first < 0 {
		return refuse(nil, "no step installs packages for Python")
	}
	if a.venv != "" {
		return nil
	}
	if u := a.Scopes.User(a.stage, a.first); !isRoot(u.Value) {
		return refuse(&a.File.Instructions[a.first], "packages are installed as %s, who has no right to make a virtual environment in %s", u.Value, venvPath)
	}
	a.venv = venvPath
	pos := a.above(a.first)
	a.edit(pos, pos, a.lines("RUN python -m venv "+venvPath+"\nENV VIRTUAL_ENV="+venvPath+" PATH="+venvPath+"/bin:$PATH\n"))
	a.note("packages are installed in a virtual environment, %s, which the final stage gets as a whole", venvPath)
	a.change("/usr/local/lib/python3*/site-packages", "packages are in "+venvPath+" now")
	a.change(venvPath, "the virtual environment holds the packages")
	return nil
}

// managersOnly reports whether pip installs only what installs others.
func managersOnly(words []dockerfile.ShellWord) bool {
	for _, w := range words {
		name, _, _ := strings.Cut(strings.ReplaceAll(strings.Split(w.Text, "[")[0], "~=", "=="), "==")
		if !slices.Contains([]string{"pip", "setuptools", "wheel", "poetry", "pipenv", "uv", "virtualenv", "pip-tools"}, strings.Trim(name, "\"'")) {
			return false
		}
	}
	return len(words) > 0
}

// developed says that development dependencies come along.
func (a *pythonApp) developed(r run, p string) {
	if !r.Has("--no-dev", "--only", "--without", "--no-root", "--deploy") && p == "poetry" || p == "poetry" && !r.Has("--no-dev", "--only", "--without") {
		a.undecided("whether development dependencies are needed: %s installs them (--only main would not)", p)
	}
}

// nativeLibraries are what packages of PyPI load that are built here, and the
// programs that they start.
var nativeLibraries = map[string][2]string{ // Debian, Alpine
	"psycopg2": {"libpq5", "libpq"}, "psycopg": {"libpq5", "libpq"}, "mysqlclient": {"libmariadb3", "mariadb-connector-c"}, "uwsgi": {"libxml2", "libxml2"},
	"python-magic": {"libmagic1", "libmagic"}, "pycurl": {"libcurl4", "libcurl"}, "pyodbc": {"unixodbc", "unixodbc"}, "python-ldap": {"libldap2", "libldap"},
	"cairocffi": {"libcairo2", "cairo"}, "pygraphviz": {"graphviz", "graphviz"}, "weasyprint": {"libpango-1.0-0 libpangoft2-1.0-0", "pango"},
	"gitpython": {"git", "git"}, "pre-commit": {"git", "git"}, "opencv-python": {"libgl1 libglib2.0-0", "mesa-gl glib"},
	"opencv-contrib-python": {"libgl1 libglib2.0-0", "mesa-gl glib"}, "graphviz": {"graphviz", "graphviz"}, "pydot": {"graphviz", "graphviz"},
	"ffmpeg-python": {"ffmpeg", "ffmpeg"}, "pydub": {"ffmpeg", "ffmpeg"}, "pytesseract": {"tesseract-ocr", "tesseract-ocr"},
	"pdf2image": {"poppler-utils", "poppler-utils"}, "python-gnupg": {"gnupg", "gnupg"}, "pyzbar": {"libzbar0", "zbar"}, "pypandoc": {"pandoc", "pandoc"},
}

// libraries adds what packages load that slim images have not.
func (a *pythonApp) libraries() error {
	if a.base == a.stage.BaseRaw && a.family(a.stage) == "debian" {
		return nil // what was there is there
	}
	for _, r := range a.runs() {
		if r.Is("pip", "install") || r.Is("pip3", "install") || r.Is("poetry", "add") || r.Is("pipenv", "install") {
			for _, w := range r.Operands("-r", "-c", "-i", "--index-url", "--extra-index-url") {
				a.loads(w.Text)
			}
		}
	}
	if a.Context == nil {
		a.undecided("whether the packages load libraries of the system: the build context is not known")
		return nil
	}
	for _, name := range []string{"requirements.txt", "pyproject.toml", "setup.py", "Pipfile"} {
		text, _ := a.read(path.Join(a.folder, name), a.stage.End)
		for _, line := range strings.Split(text, "\n") {
			a.loads(line)
		}
	}
	from, ok := a.source(a.folder, a.stage.End)
	if !ok || a.base == a.stage.BaseRaw {
		return nil
	}
	return a.startedBySources(from, pythonStarts, ".py")
}

// loads has the final stage install what a package of PyPI needs of the system;
// line is what asks for the package.
func (a *pythonApp) loads(line string) {
	line = strings.Trim(strings.TrimSpace(strings.ToLower(line)), `"',`)
	pkg := strings.ReplaceAll(line[:len(line)-len(strings.TrimLeft(line, "abcdefghijklmnopqrstuvwxyz0123456789-_."))], "_", "-")
	libs, known := nativeLibraries[pkg]
	if !known || pkg == "psycopg" && !strings.Contains(line, "[c]") {
		return
	}
	lib := libs[0]
	if a.family(a.stage) == "alpine" {
		lib = libs[1]
	}
	for _, name := range strings.Fields(lib) {
		as, ok := a.called(a.standing(), name)
		if !ok {
			a.undecided("what %s, which %s needs, is called in the final stage's release", name, pkg)
		}
		for _, n := range as {
			if !slices.Contains(a.install, n) {
				a.install = append(a.install, n)
				a.note("%s needs %s, which the final stage installs", pkg, n)
			}
		}
	}
}

// command has the final stage start without the tools that only installed.
func (a *pythonApp) command() error {
	in := &a.File.Instructions[a.start.at]
	words := a.start.words
	if len(words) > 2 && slices.Contains([]string{"poetry", "pipenv", "uv"}, words[0]) && words[1] == "run" {
		if strings.HasPrefix(words[2], "-") {
			return refuse(in, "what %s run starts cannot be told", words[0])
		}
		rest := words[2:]
		if in.Cmd == "ENTRYPOINT" && in.JSON {
			rest = in.Args[min(2, len(in.Args)):]
		}
		a.replaced[a.start.at] = in.Cmd + " " + jsonForm(rest)
		a.note("%s is started without %s, which installed it", rest[0], words[0])
		return nil
	}
	if len(words) > 0 && slices.Contains([]string{"npm", "yarn", "node", "make", "pytest", "tox"}, words[0]) {
		return refuse(in, "the container starts %s, which the final stage has not", words[0])
	}
	if len(words) > 0 && (strings.HasPrefix(words[0], "/usr/local/bin/") || strings.HasPrefix(words[0], "/usr/bin/")) && !strings.Contains(words[0], "entrypoint") {
		base := path.Base(words[0])
		if !strings.HasPrefix(base, "python") && !a.copiedTo(words[0]) {
			return refuse(in, "%s is started by its path, and would be in %s", words[0], a.venv)
		}
		if a.venv == venvPath && strings.HasPrefix(base, "python") {
			return refuse(in, "%s is started by its path, and would not find the packages in %s", words[0], a.venv)
		}
	}
	return nil
}

// copiedTo reports whether a file of the context is copied to a path.
func (a *pythonApp) copiedTo(p string) bool {
	for i := a.stage.From + 1; i < a.stage.End; i++ {
		if cp, ok := a.copying(i); ok {
			if _, in := below(p, cp.dest); in {
				return true
			}
		}
	}
	return false
}

// environment has the final stage find the packages.
func (a *pythonApp) environment() {
	set := false
	a.each("ENV", func(_ int, in *dockerfile.Instruction) {
		for _, p := range in.Pairs() {
			set = set || p.Key.Text == "PATH" && (strings.Contains(p.Value.Text, a.venv) || strings.Contains(p.Value.Text, "VIRTUAL_ENV"))
		}
	})
	if !set {
		a.copies = append(a.copies, "ENV VIRTUAL_ENV="+a.venv+" PATH="+a.venv+"/bin:$PATH")
	}
}
