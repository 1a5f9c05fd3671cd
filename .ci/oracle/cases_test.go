package oracle

// caseOf is a Dockerfile written for one check: whether BuildKit warns is
// tried, so that a case that tells nothing fails.
type caseOf struct {
	rule  string
	fires bool
	text  string
}

// ignored is the .dockerignore of every case.
const ignored = "secret.txt\nlogs\n**/*.tmp\nsub/dir/*\n/rooted\n"

func cases() []caseOf {
	const yes, no = true, false
	return []caseOf{
		{"StageNameCasing", yes, "FROM alpine AS Build\n"},
		{"StageNameCasing", yes, "FROM alpine AS build\nFROM alpine AS buildX\nCOPY --from=buildX /a /b\n"},
		{"StageNameCasing", no, "FROM Alpine/x AS build-1.x_2\n"},

		{"FromAsCasing", yes, "FROM alpine as build\n"},
		{"FromAsCasing", yes, "FROM alpine aS build\n"},
		{"FromAsCasing", yes, "from alpine AS build\n"},
		{"FromAsCasing", no, "From alpine as build\n"},
		{"FromAsCasing", no, "from alpine as build\nFROM alpine AS other\n"},
		{"FromAsCasing", no, "FROM alpine AS as\n"},

		{"NoEmptyContinuation", yes, "FROM alpine\nRUN a \\\n\n  b\n"},
		{"NoEmptyContinuation", yes, "FROM alpine\nRUN a \\\n# c\n\n# d\n  b\n"},
		{"NoEmptyContinuation", yes, "FROM alpine\nENV A=1 \\\n   \t\n\n\n    B=2 \\\n C=3\n"},
		{"NoEmptyContinuation", yes, "# escape=`\nFROM alpine\nRUN a `\r\n\r\n  b\r\n"},
		{"NoEmptyContinuation", yes, "FROM alpine\nRUN a \\\n\n"},
		{"NoEmptyContinuation", yes, "FROM alpine\nRUN <<EOF cat \\\n\n >x\na\n\nEOF\n"},
		{"NoEmptyContinuation", no, "FROM alpine\nRUN a \\\n# only a comment\n   # and another\n  b\n\nRUN c\n"},
		{"NoEmptyContinuation", no, "FROM alpine\nRUN <<EOF\na \\\n\nb\nEOF\n"},

		{"ConsistentInstructionCasing", yes, "FROM alpine\nrun a\nRUN b\n"},
		{"ConsistentInstructionCasing", yes, "FROM alpine\nRun a\n"},
		{"ConsistentInstructionCasing", yes, "from alpine\nrun a\nRUN b\n"},
		{"ConsistentInstructionCasing", yes, "From alpine\n"},
		{"ConsistentInstructionCasing", yes, "FROM alpine\nrun a\n"},
		{"ConsistentInstructionCasing", no, "from alpine\nrun a\ncopy b c\n"},
		{"ConsistentInstructionCasing", no, "arg A=1\nFROM alpine\nONBUILD run a\n"},

		{"DuplicateStageName", yes, "FROM alpine AS b\nFROM alpine AS b\n"},
		{"DuplicateStageName", yes, "FROM alpine AS b\nFROM alpine AS B\nFROM alpine AS b\n"},
		{"DuplicateStageName", no, "FROM alpine AS b\nFROM b AS c\nFROM c\n"},

		{"ReservedStageName", yes, "FROM alpine AS scratch\n"},
		{"ReservedStageName", yes, "FROM alpine AS Context\n"},
		{"ReservedStageName", no, "FROM scratch AS scratch1\n"},

		{"JSONArgsRecommended", yes, "FROM alpine\nCMD run it\n"},
		{"JSONArgsRecommended", yes, "FROM alpine\nENTRYPOINT run it\nCMD ['a']\n"},
		{"JSONArgsRecommended", yes, "FROM alpine\nCMD run it\nSHELL [\"/bin/bash\", \"-c\"]\n"},
		{"JSONArgsRecommended", yes, "FROM alpine AS a\nSHELL [\"/bin/bash\", \"-c\"]\nFROM alpine\nCMD x\n"},
		{"JSONArgsRecommended", yes, "FROM alpine\nCMD\n"},
		{"JSONArgsRecommended", no, "FROM alpine\nENTRYPOINT [\"a\"]\nCMD [\"run\", \"it\"]\n"},
		{"JSONArgsRecommended", no, "FROM alpine\nSHELL [\"/bin/bash\", \"-c\"]\nCMD run it\n"},
		{"JSONArgsRecommended", no, "FROM alpine AS a\nSHELL [\"/bin/bash\", \"-c\"]\nFROM a\nCMD run it\n"},
		{"JSONArgsRecommended", no, "FROM example.com/shell\nCMD run it\n"},
		{"JSONArgsRecommended", no, "FROM alpine\nHEALTHCHECK CMD run it\nONBUILD CMD run it\n"},
		{"JSONArgsRecommended", no, "FROM alpine\nCMD []\n"},

		{"MaintainerDeprecated", yes, "FROM alpine\nMAINTAINER me <me@example.com>\n"},
		{"MaintainerDeprecated", yes, "FROM alpine\nmaintainer \"me\"\n"},
		{"MaintainerDeprecated", no, "FROM alpine\nLABEL maintainer=\"me\"\n"},

		{"UndefinedArgInFrom", yes, "ARG VERSION=1\nFROM alpine:${VERSIO}\n"},
		{"UndefinedArgInFrom", yes, "FROM --platform=$PLAT alpine\n"},
		{"UndefinedArgInFrom", yes, "FROM --platform=${BUILDPLATFROM:-linux/amd64} alpine\n"},
		{"UndefinedArgInFrom", yes, "FROM alpine\nARG V=1\nFROM alpine:x$V\n"},
		{"UndefinedArgInFrom", yes, "FROM ${A}${B}alpine\n"},
		{"UndefinedArgInFrom", no, "ARG VERSION\nFROM alpine:x${VERSION}\n"},
		{"UndefinedArgInFrom", no, "FROM --platform=$BUILDPLATFORM alpine-$TARGETARCH:$TARGETSTAGE$BUILDOSVERSION\n"},

		{"WorkdirRelativePath", yes, "FROM alpine\nWORKDIR app\n"},
		{"WorkdirRelativePath", yes, "FROM example.com/workdir\nWORKDIR app\nWORKDIR b\n"},
		{"WorkdirRelativePath", yes, "FROM alpine\nARG D=x\nWORKDIR $D\n"},
		{"WorkdirRelativePath", yes, "FROM alpine\nWORKDIR C:\\\\app\n"},
		{"WorkdirRelativePath", yes, "FROM alpine AS a\nWORKDIR /a\nFROM alpine\nWORKDIR \"b\"\n"},
		{"WorkdirRelativePath", no, "FROM alpine\nWORKDIR /app\nWORKDIR sub\n"},
		{"WorkdirRelativePath", no, "FROM alpine AS a\nWORKDIR /a\nFROM a\nWORKDIR b\n"},
		{"WorkdirRelativePath", no, "FROM alpine\nENV D=/x\nWORKDIR ${D}/y\n"},
		{"WorkdirRelativePath", no, "FROM --platform=windows/amd64 example.com/windows\nWORKDIR C:/app\n"},
		{"WorkdirRelativePath", no, "FROM alpine\nWORKDIR '/app'\n"},

		{"UndefinedVar", yes, "FROM alpine\nENV A=$NOPE\n"},
		{"UndefinedVar", yes, "FROM alpine\nENV A=1 B=$A\n"},
		{"UndefinedVar", yes, "FROM alpine\nENV A=$A\n"},
		{"UndefinedVar", yes, "FROM alpine\nCOPY $SRC $DST /x\n"},
		{"UndefinedVar", yes, "FROM alpine\nCOPY --chown=$U --chmod=$M a /x\n"},
		{"UndefinedVar", yes, "ARG V=1\nFROM alpine\nENV X=$V\n"},
		{"UndefinedVar", yes, "FROM alpine\nENV X=${NOPE:-x}\n"},
		{"UndefinedVar", yes, "FROM alpine\nENV X=${PAHT}\n"},
		{"UndefinedVar", yes, "FROM alpine\nARG A=$NOPE\n"},
		{"UndefinedVar", yes, "FROM alpine\nUSER $NOPE\nVOLUME $NOPE2\n"},
		{"UndefinedVar", yes, "FROM alpine\nRUN --mount=type=cache,target=$NOPE true\n"},
		{"UndefinedVar", yes, "FROM alpine\nCOPY <<EOF /x\n$NOPE\nEOF\n"},
		{"UndefinedVar", yes, "FROM alpine\nLABEL a=\"$NOPE\" $B=x\n"},
		{"UndefinedVar", yes, "FROM alpine AS a\nENV V=1\nFROM alpine\nENV W=$V\n"},
		{"UndefinedVar", yes, "FROM alpine\nENV X=${V%.*}\n"},
		{"UndefinedVar", yes, "FROM alpine\nADD --checksum=$SUM https://example.com/x /x\n"},
		{"UndefinedVar", no, "FROM alpine\nENV A=1\nENV B=$A C=${A:-x} PATH=/x:$PATH\n"},
		{"UndefinedVar", no, "FROM alpine\nARG V\nENV X=$V\n"},
		{"UndefinedVar", no, "ARG V=1\nFROM alpine\nARG V\nENV X=$V\n"},
		{"UndefinedVar", no, "FROM alpine AS a\nENV V=1\nFROM a\nENV W=$V\n"},
		{"UndefinedVar", no, "FROM alpine AS a\nARG V\nFROM a\nENV W=$V\n"},
		{"UndefinedVar", no, "FROM example.com/env\nENV X=$JAVA_HOME/bin Y=$EMPTY\n"},
		{"UndefinedVar", no, "FROM alpine\nENV X=\\$V Y='$V'\nRUN echo $V\nCMD echo $V\n"},
		{"UndefinedVar", no, "FROM alpine\nCOPY <<'EOF' /x\n$NOPE\nEOF\n"},
		{"UndefinedVar", no, "FROM alpine\nEXPOSE 8${NOPE}0\n"},
		{"UndefinedVar", no, "FROM alpine\nRUN <<EOF\necho $NOPE\nEOF\n"},
		{"UndefinedVar", no, "FROM alpine\nONBUILD ENV A=$NOPE\n"},
		{"UndefinedVar", yes, "FROM alpine\nARG TARGETARCH\nENV X=$TARGETARCH Y=$TARGETOS\n"},
		{"UndefinedVar", no, "FROM alpine\nENV $(x)=1\n"},

		{"MultipleInstructionsDisallowed", yes, "FROM alpine\nCMD [\"a\"]\nRUN x\nCMD [\"b\"]\nCMD [\"c\"]\n"},
		{"MultipleInstructionsDisallowed", yes, "FROM alpine\nENTRYPOINT [\"a\"]\nENTRYPOINT [\"b\"]\n"},
		{"MultipleInstructionsDisallowed", yes, "FROM alpine\nHEALTHCHECK CMD a\nHEALTHCHECK NONE\n"},
		{"MultipleInstructionsDisallowed", no, "FROM alpine AS a\nCMD [\"a\"]\nFROM a\nCMD [\"b\"]\nENTRYPOINT [\"x\"]\nHEALTHCHECK CMD x\n"},

		{"LegacyKeyValueFormat", yes, "FROM alpine\nENV key value of it\n"},
		{"LegacyKeyValueFormat", yes, "FROM alpine\nLABEL key value\n"},
		{"LegacyKeyValueFormat", yes, "FROM alpine\nENV key a=b\n"},
		{"LegacyKeyValueFormat", yes, "FROM alpine\nENV key \\\n  value\n"},
		{"LegacyKeyValueFormat", yes, "FROM alpine\nENV key \"a b\"\n"},
		{"LegacyKeyValueFormat", no, "FROM alpine\nENV key=\"a b\" other=c\nLABEL a=b \"c d\"=e\n"},
		{"LegacyKeyValueFormat", no, "FROM alpine\nENV key=\n"},

		{"InvalidBaseImagePlatform", yes, "FROM example.com/arm\n"},
		{"InvalidBaseImagePlatform", yes, "FROM --platform=linux/amd64 example.com/arm\n"},
		{"InvalidBaseImagePlatform", yes, "FROM --platform=linux/amd64 example.com/windows AS a\nFROM a\n"},
		{"InvalidBaseImagePlatform", no, "FROM --platform=linux/arm64 example.com/arm\n"},
		{"InvalidBaseImagePlatform", no, "FROM --platform=linux/arm64 alpine\nFROM scratch\n"},
		{"InvalidBaseImagePlatform", no, "FROM --platform=linux/arm64/v8 example.com/arm\n"},

		{"RedundantTargetPlatform", yes, "FROM --platform=$TARGETPLATFORM alpine\n"},
		{"RedundantTargetPlatform", yes, "FROM --platform=${TARGETPLATFORM} alpine\n"},
		{"RedundantTargetPlatform", yes, "FROM --platform=\"${TARGETPLATFORM:-x}\" alpine\n"},
		{"RedundantTargetPlatform", no, "FROM --platform=$BUILDPLATFORM alpine\n"},
		{"RedundantTargetPlatform", no, "FROM --platform=$TARGETPLATFORM/v2 alpine\n"},
		{"RedundantTargetPlatform", no, "FROM --platform=$TARGETOS/$TARGETARCH alpine\n"},

		{"SecretsUsedInArgOrEnv", yes, "FROM alpine\nENV API_KEY=x DB_PASSWORD=y OK=z\n"},
		{"SecretsUsedInArgOrEnv", yes, "FROM alpine\nARG GITHUB_TOKEN\n"},
		{"SecretsUsedInArgOrEnv", yes, "FROM alpine\nENV secret_MESSAGE x\n"},
		{"SecretsUsedInArgOrEnv", yes, "FROM alpine\nARG auth=1 apikey\n"},
		{"SecretsUsedInArgOrEnv", yes, "FROM alpine\nARG N=KEY\nENV API_$N=x\n"},
		{"SecretsUsedInArgOrEnv", no, "FROM alpine\nENV PUBLIC_KEY=x KEYSTORE=y PASSWORD_FILE=/x TOKEN_VERSION=1 MONKEY=2\n"},
		{"SecretsUsedInArgOrEnv", no, "ARG API_KEY\nFROM alpine\nONBUILD ENV TOKEN=x\n"},

		{"InvalidDefaultArgInFrom", yes, "ARG TAG\nFROM alpine:${TAG}\n"},
		{"InvalidDefaultArgInFrom", yes, "ARG IMAGE\nFROM ${IMAGE}\n"},
		{"InvalidDefaultArgInFrom", yes, "FROM Alpine\n"},
		{"InvalidDefaultArgInFrom", yes, "ARG A=1\nFROM alpine AS b\nFROM b${A}$B:\n"},
		{"InvalidDefaultArgInFrom", no, "ARG TAG=latest\nFROM alpine:${TAG}\n"},
		{"InvalidDefaultArgInFrom", no, "ARG TAG\nFROM alpine:${TAG:-3}\nFROM alpine${X}\n"},

		{"FromPlatformFlagConstDisallowed", yes, "FROM --platform=linux/amd64 alpine\n"},
		{"FromPlatformFlagConstDisallowed", yes, "FROM --platform=linux/arm64 alpine AS x\n"},
		{"FromPlatformFlagConstDisallowed", yes, "FROM --platform=\"linux/arm64\" alpine\n"},
		{"FromPlatformFlagConstDisallowed", yes, "FROM --platform=linux alpine\n"},
		{"FromPlatformFlagConstDisallowed", no, "FROM --platform=linux/arm64 alpine AS build-arm64\n"},
		{"FromPlatformFlagConstDisallowed", no, "FROM --platform=linux/arm64 alpine AS my-Linux\n"},
		{"FromPlatformFlagConstDisallowed", no, "FROM --platform=linux/x86_64 alpine AS amd64\n"},
		{"FromPlatformFlagConstDisallowed", no, "ARG P=linux/arm64\nFROM --platform=$P alpine\n"},

		{"CopyIgnoredFile", yes, "FROM alpine\nCOPY secret.txt /x\n"},
		{"CopyIgnoredFile", yes, "FROM alpine\nADD logs/a.log /x\n"},
		{"CopyIgnoredFile", yes, "FROM alpine\nCOPY a ./secret.txt sub/../secret.txt /x/\n"},
		{"CopyIgnoredFile", yes, "FROM alpine\nARG F=secret.txt\nCOPY $F /x\n"},
		{"CopyIgnoredFile", yes, "FROM alpine\nCOPY [\"secret.txt\", \"/x\"]\n"},
		{"CopyIgnoredFile", yes, "FROM alpine\nCOPY deep/er/x.tmp sub/dir/y rooted /x/\n"},
		{"CopyIgnoredFile", no, "FROM alpine\nCOPY . .\nCOPY / /x\nCOPY *.txt /x\nCOPY sub /x\n"},
		{"CopyIgnoredFile", no, "FROM alpine AS a\nFROM alpine\nCOPY --from=a secret.txt /x\nADD https://example.com/secret.txt /x\n"},
		{"CopyIgnoredFile", no, "FROM alpine\nCOPY <<secret.txt /x\na\nsecret.txt\n"},

		{"InvalidDefinitionDescription", yes, "# the version\nARG VERSION=1\nFROM alpine\n"},
		{"InvalidDefinitionDescription", yes, "FROM alpine AS a\n# build it\nFROM alpine AS b\n"},
		{"InvalidDefinitionDescription", yes, "# A is a\n# no\nARG A B\nFROM alpine\n"},
		{"InvalidDefinitionDescription", yes, "FROM alpine\n# a thing\n\nARG A\n"},
		{"InvalidDefinitionDescription", yes, "# syntax=docker/dockerfile:1\n# x\nARG A\nFROM alpine\n"},
		{"InvalidDefinitionDescription", no, "# VERSION is the version\nARG VERSION=1\n# anything\nFROM alpine\n"},
		{"InvalidDefinitionDescription", no, "# a thing\n#\nARG A\nFROM alpine\n"},
		{"InvalidDefinitionDescription", no, "# syntax=docker/dockerfile:1\nARG A\nFROM alpine\n"},
		{"InvalidDefinitionDescription", no, "FROM alpine\nRUN a\nARG A\n"},

		{"ExposeProtoCasing", yes, "FROM alpine\nEXPOSE 80/TCP\n"},
		{"ExposeProtoCasing", yes, "FROM alpine\nARG P=80/Udp\nEXPOSE 53 $P\n"},
		{"ExposeProtoCasing", no, "FROM alpine\nEXPOSE 80/tcp 53/udp 9/sctp 80-90\n"},

		{"ExposeInvalidFormat", yes, "FROM alpine\nEXPOSE 8080:80\n"},
		{"ExposeInvalidFormat", yes, "FROM alpine\nEXPOSE 127.0.0.1:8080:80/tcp\n"},
		{"ExposeInvalidFormat", yes, "FROM alpine\nEXPOSE [::1]:80:80\n"},
		{"ExposeInvalidFormat", no, "FROM alpine\nEXPOSE 80\n"},
	}
}
