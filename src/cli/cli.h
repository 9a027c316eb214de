/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli: what every subcommand of moat shares. A command is a row; its verbs, if
 * it has any, are a table of rows below it, and only leaves run.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "cli/args.h"

/* Exit codes; a verdict is one of the first four. */
enum {
	CLI_GOOD = 0,
	CLI_WARNINGS = 1,
	CLI_ERRORS = 2,
	CLI_UNTESTED = 3,
	CLI_USAGE = 64,
};

struct cli {
	struct arena *arena; /* for the whole run; aborts when used up */
	FILE *out;
	FILE *err;
	const char *name; /* the command as typed: "moat lint policy" */
	const char *conf; /* -c FILE, or NULL */
	bool json;	  /* --json */
	bool color;	  /* out is a terminal that wants it */
};

struct command {
	const char *name;	       /* NULL ends a table */
	const char *words;	       /* "FILE|-"; "" when there are none */
	const char *summary;	       /* one line, no full stop */
	const struct arg_row *options; /* its own; NULL: none */
	const struct command *verbs;   /* NULL at a leaf */
	/* Returns an exit code. */
	int (*run)(struct cli *cli, const struct args *args);
};

/* Options every command takes: -c/--config, --json, --help, --version. */
extern const struct arg_row cli_options[];

/* Finds the command in the table, parses its options and runs it. */
int cli_main(const struct command *table, int argc, char **argv);

/*
 * Prints "moat lint: TEXT" and where help is, returns CLI_USAGE; for what the
 * user typed wrong.
 */
int cli_usage(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Prints "moat lint: TEXT" and returns CLI_UNTESTED; for what failed before
 * there was an answer. With --json also {"error": {"text", "remedy"}} on out.
 * The remedy, without a full stop, says what to do; NULL: the text has it.
 */
int cli_failed_remedy(
	const struct cli *cli, const struct err *e, const char *remedy);
int cli_failed(const struct cli *cli, const struct err *e);

/* The remedy when cli_read fails. */
#define CLI_READ_REMEDY "check the name, the permissions and the size of it"

/*
 * Reads a file, or standard input for "-", up to max bytes; one byte more than
 * that and it is ST_LIMIT. The text lives in cli->arena.
 */
enum status cli_read(struct cli *cli, const char *path, size_t max,
	struct str *out, struct err *e);

/* Terminal colours: the escape sequence, or "" when colour is not wanted. */
const char *cli_red(const struct cli *cli);
const char *cli_yellow(const struct cli *cli);
const char *cli_green(const struct cli *cli);
const char *cli_bold(const struct cli *cli);
const char *cli_plain(const struct cli *cli);

/*
 * JSON output: write into w, then cli_json_end prints it with a newline.
 *     struct sbuf b; struct json_writer w = cli_json_begin(cli, &b);
 */
struct json_writer cli_json_begin(struct cli *cli, struct sbuf *b);
void cli_json_end(const struct cli *cli, const struct sbuf *b);
void cli_json_tree(struct cli *cli, const struct json *tree);
