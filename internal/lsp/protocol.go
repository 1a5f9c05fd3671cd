package lsp

// What of the Language Server Protocol 3.17 is spoken here, under its names.

// Position is a place between two characters: line and UTF-16 code unit, from 0.
type Position struct {
	Line      int `json:"line"`
	Character int `json:"character"`
}

// Range is from a place to another, which is not in it.
type Range struct {
	Start Position `json:"start"`
	End   Position `json:"end"`
}

func (p Position) before(q Position) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Character < q.Character
}

// touches reports whether two ranges have a character, or an end, in common.
func (r Range) touches(o Range) bool { return !r.End.before(o.Start) && !o.End.before(r.Start) }

type location struct {
	URI   string `json:"uri"`
	Range Range  `json:"range"`
}

type documentID struct {
	URI string `json:"uri"`
}

type versionedID struct {
	URI     string `json:"uri"`
	Version *int   `json:"version"` // nil: of a file that is not open
}

type positionParams struct {
	Document documentID `json:"textDocument"`
	Position Position   `json:"position"`
}

type initializeParams struct {
	RootURI      string         `json:"rootUri"`
	RootPath     string         `json:"rootPath"`
	Folders      []folder       `json:"workspaceFolders"`
	Capabilities clientCan      `json:"capabilities"`
	Options      initialOptions `json:"initializationOptions"`
}

type folder struct {
	URI string `json:"uri"`
}

// initialOptions are the server's own settings.
type initialOptions struct {
	Delay *int `json:"delay"` // in milliseconds, after the last key
}

type clientCan struct {
	Workspace struct {
		WorkspaceEdit struct {
			DocumentChanges    bool     `json:"documentChanges"`
			ResourceOperations []string `json:"resourceOperations"`
		} `json:"workspaceEdit"`
	} `json:"workspace"`
	TextDocument struct {
		PublishDiagnostics struct {
			RelatedInformation bool `json:"relatedInformation"`
		} `json:"publishDiagnostics"`
		CodeAction struct {
			Literals *struct{} `json:"codeActionLiteralSupport"`
		} `json:"codeAction"`
		Hover struct {
			Formats []string `json:"contentFormat"`
		} `json:"hover"`
		Completion struct {
			Item struct {
				InsertReplace bool `json:"insertReplaceSupport"`
			} `json:"completionItem"`
		} `json:"completion"`
	} `json:"textDocument"`
}

type initializeResult struct {
	Capabilities serverCan  `json:"capabilities"`
	Server       serverInfo `json:"serverInfo"`
}

type serverInfo struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type serverCan struct {
	Encoding   string             `json:"positionEncoding"`
	Sync       syncOptions        `json:"textDocumentSync"`
	CodeAction *codeActionOptions `json:"codeActionProvider,omitempty"`
	Hover      bool               `json:"hoverProvider"`
	Definition bool               `json:"definitionProvider"`
	References bool               `json:"referencesProvider"`
	Symbols    bool               `json:"documentSymbolProvider"`
	Rename     struct {
		Prepare bool `json:"prepareProvider"`
	} `json:"renameProvider"`
	Completion struct {
		Triggers []string `json:"triggerCharacters"`
	} `json:"completionProvider"`
	Workspace workspaceCan `json:"workspace"`
}

type syncOptions struct {
	OpenClose bool     `json:"openClose"`
	Change    int      `json:"change"` // 2: by what is changed
	Save      struct{} `json:"save"`
}

type codeActionOptions struct {
	Kinds []string `json:"codeActionKinds"`
}

type workspaceCan struct {
	Folders struct {
		Supported bool `json:"supported"`
		Changes   bool `json:"changeNotifications"`
	} `json:"workspaceFolders"`
}

type foldersParams struct {
	Event struct {
		Added   []folder `json:"added"`
		Removed []folder `json:"removed"`
	} `json:"event"`
}

type openParams struct {
	Document struct {
		URI      string `json:"uri"`
		Language string `json:"languageId"`
		Version  int    `json:"version"`
		Text     string `json:"text"`
	} `json:"textDocument"`
}

type changeParams struct {
	Document struct {
		URI     string `json:"uri"`
		Version int    `json:"version"`
	} `json:"textDocument"`
	Changes []struct {
		Range *Range `json:"range"` // nil: the text is all of it
		Text  string `json:"text"`
	} `json:"contentChanges"`
}

type documentParams struct {
	Document documentID `json:"textDocument"`
}

// The severities of diagnostics.
const (
	severityError = 1 + iota
	severityWarning
	severityInformation
	severityHint
)

type diagnostic struct {
	Range    Range     `json:"range"`
	Severity int       `json:"severity,omitempty"`
	Code     string    `json:"code,omitempty"`
	About    *codeHref `json:"codeDescription,omitempty"`
	Source   string    `json:"source,omitempty"`
	Message  string    `json:"message"`
	Related  []related `json:"relatedInformation,omitempty"`
}

type codeHref struct {
	Href string `json:"href"`
}

type related struct {
	At      location `json:"location"`
	Message string   `json:"message"`
}

type diagnosticsParams struct {
	URI         string       `json:"uri"`
	Version     int          `json:"version"`
	Diagnostics []diagnostic `json:"diagnostics"`
}

type codeActionParams struct {
	Document documentID `json:"textDocument"`
	Range    Range      `json:"range"`
	Context  struct {
		Only []string `json:"only"`
	} `json:"context"`
}

// The kinds of code actions that there are.
const (
	kindQuickFix = "quickfix"
	kindRewrite  = "refactor.rewrite"
	kindFixAll   = "source.fixAll.drydock"
)

type codeAction struct {
	Title       string         `json:"title"`
	Kind        string         `json:"kind"`
	Diagnostics []diagnostic   `json:"diagnostics,omitempty"`
	Preferred   bool           `json:"isPreferred,omitempty"`
	Edit        *workspaceEdit `json:"edit,omitempty"`
}

// workspaceEdit is what changes in files: the first form for clients that know
// versions, the second for all others.
type workspaceEdit struct {
	Documents []any                 `json:"documentChanges,omitempty"` // of documentEdit, createFile
	Changes   map[string][]textEdit `json:"changes,omitempty"`
}

type documentEdit struct {
	Document versionedID `json:"textDocument"`
	Edits    []textEdit  `json:"edits"`
}

type createFile struct {
	Kind string `json:"kind"`
	URI  string `json:"uri"`
}

type textEdit struct {
	Range Range  `json:"range"`
	Text  string `json:"newText"`
}

// insertReplaceEdit is a completion within a word: the user chooses whether what
// follows the cursor stays.
type insertReplaceEdit struct {
	Text    string `json:"newText"`
	Insert  Range  `json:"insert"`
	Replace Range  `json:"replace"`
}

type logParams struct {
	Type    int    `json:"type"`
	Message string `json:"message"`
}
