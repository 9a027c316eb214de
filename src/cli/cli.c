/* SPDX-License-Identifier: Apache-2.0 */
/* cli: finding the command, its help, and small things all commands need. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "cli/cli.h"

#include "base/poison.h"

#define JSON_BYTES_MAX (64u * 1024 * 1024)
#define ERROR_BYTES_MAX 65536u
#define READ_CHUNK 65536u

const struct arg_row cli_options[] = {
	{ "config", "FILE", "the configuration file", 'c', false },
	{ "json", NULL, "print JSON", 0, false },
	{ "help", NULL, "say how to use it", 0, false },
	{ "version", NULL, "print the version", 0, false },
	{},
};

static void help_options(FILE *out, const struct arg_row *rows)
{
	char left[64];

	for (; rows != NULL && rows->name != NULL; rows++) {
		(void)snprintf(left, sizeof(left), "--%s%s%s%s", rows->name,
			rows->value == NULL ? "" : " ",
			rows->value == NULL ? "" : rows->value,
			rows->many ? "..." : "");
		if (rows->letter != 0)
			(void)fprintf(out, "  -%c, %-22s %s\n", rows->letter,
				left, rows->doc);
		else
			(void)fprintf(out, "  %-26s %s\n", left, rows->doc);
	}
}

/* One line for each leaf of the table. */
static void help_table(
	FILE *out, const char *above, const struct command *table)
{
	char left[128];

	for (; table->name != NULL; table++) {
		(void)snprintf(
			left, sizeof(left), "%.60s %.60s", above, table->name);
		if (table->verbs != NULL) {
			help_table(out, left, table->verbs);
			continue;
		}
		(void)fprintf(out, "  %s%s%s\n      %s\n", left,
			table->words[0] == '\0' ? "" : " ", table->words,
			table->summary);
	}
}

static void help_text(const struct cli *cli, const struct command *table,
	const struct command *cmd)
{
	if (cmd != NULL && cmd->verbs == NULL) {
		(void)fprintf(cli->out, "usage: %s%s%s [options]\n\n%s.\n\n",
			cli->name, cmd->words[0] == '\0' ? "" : " ", cmd->words,
			cmd->summary);
	} else {
		(void)fprintf(
			cli->out, "usage: %s COMMAND [options]\n\n", cli->name);
		help_table(
			cli->out, cli->name, cmd == NULL ? table : cmd->verbs);
		(void)fprintf(cli->out, "\n");
	}
	if (cmd != NULL)
		help_options(cli->out, cmd->options);
	help_options(cli->out, cli_options);
	(void)fprintf(cli->out,
		"\nExit codes: 0 good, 1 warnings, 2 errors, 3 could not test, "
		"64 usage.\nMore in moat(1).\n");
}

static void json_options(struct json_writer *w, const struct arg_row *rows)
{
	json_open_array(w, "options");
	for (; rows != NULL && rows->name != NULL; rows++) {
		char letter[2] = { rows->letter, '\0' };

		json_open_object(w, NULL);
		json_put_z(w, "name", rows->name);
		if (rows->letter != 0)
			json_put_z(w, "letter", letter);
		if (rows->value != NULL)
			json_put_z(w, "value", rows->value);
		json_put_z(w, "doc", rows->doc);
		json_close_object(w);
	}
	json_close_array(w);
}

static void json_table(
	struct json_writer *w, const char *above, const struct command *table)
{
	char name[128];

	for (; table->name != NULL; table++) {
		(void)snprintf(name, sizeof(name), "%s%s%s", above,
			above[0] == '\0' ? "" : " ", table->name);
		if (table->verbs != NULL) {
			json_table(w, name, table->verbs);
			continue;
		}
		json_open_object(w, NULL);
		json_put_z(w, "name", name);
		json_put_z(w, "words", table->words);
		json_put_z(w, "summary", table->summary);
		json_options(w, table->options);
		json_close_object(w);
	}
}

static int help(
	struct cli *cli, const struct command *table, const struct command *cmd)
{
	struct json_writer w;
	struct sbuf b;

	if (!cli->json) {
		help_text(cli, table, cmd);
		return CLI_GOOD;
	}
	w = cli_json_begin(cli, &b);
	json_open_object(&w, NULL);
	json_options(&w, cli_options);
	json_open_array(&w, "commands");
	json_table(&w, "", table);
	json_close_array(&w);
	json_close_object(&w);
	cli_json_end(cli, &b);
	return CLI_GOOD;
}

static int version(struct cli *cli)
{
	struct json_writer w;
	struct sbuf b;

	if (!cli->json) {
		(void)fprintf(cli->out, "moat %s\n", MOAT_VERSION);
		return CLI_GOOD;
	}
	w = cli_json_begin(cli, &b);
	json_open_object(&w, NULL);
	json_put_z(&w, "version", MOAT_VERSION);
	json_close_object(&w);
	cli_json_end(cli, &b);
	return CLI_GOOD;
}

static const struct command *command_find(
	const struct command *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}

/* Walks down the verbs; *cmd is the last one found, NULL at the top. */
static int descend(struct cli *cli, const struct command *table,
	struct args *args, int *argc, char ***argv, const struct command **cmd)
{
	const struct command *below = table;
	struct err e = {};
	int used;

	while (below != NULL) {
		if (args_parse(args, *argc, *argv, true, &used, &e) != ST_OK)
			return cli_usage(cli, "%s", e.text);
		*argc -= used;
		*argv += used;
		if (*argc == 0)
			return CLI_GOOD;
		*cmd = command_find(below, (*argv)[0]);
		if (*cmd == NULL)
			return cli_usage(
				cli, "there is no command \"%s\"", (*argv)[0]);
		cli->name = arena_fmt(
			cli->arena, "%s %s", cli->name, (*cmd)->name)
				    .p;
		args_allow(args, (*cmd)->options);
		*argc -= 1;
		*argv += 1;
		below = (*cmd)->verbs;
	}
	if (args_parse(args, *argc, *argv, false, &used, &e) != ST_OK)
		return cli_usage(cli, "%s", e.text);
	return CLI_GOOD;
}

static bool wants_color(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	return (no_color == NULL || no_color[0] == '\0') &&
	       isatty(fileno(out)) == 1;
}

int cli_main(const struct command *table, int argc, char **argv)
{
	const struct command *cmd = NULL;
	struct args args = {};
	struct cli cli = { .out = stdout, .err = stderr, .name = "moat" };
	int code;

	cli.arena = arena_must(0);
	cli.color = wants_color(cli.out);
	args.arena = cli.arena;
	args_allow(&args, cli_options);
	argc -= argc > 0;
	argv++;
	code = descend(&cli, table, &args, &argc, &argv, &cmd);
	cli.json = args_flag(&args, "json");
	cli.conf = args_get(&args, "config");
	if (code != CLI_GOOD)
		goto out;
	if (args_flag(&args, "version"))
		code = version(&cli);
	else if (args_flag(&args, "help"))
		code = help(&cli, table, cmd);
	else if (cmd == NULL || cmd->verbs != NULL)
		code = cli_usage(&cli, "a command is missing");
	else
		code = cmd->run(&cli, &args);
	if (fflush(cli.out) != 0 || ferror(cli.out)) {
		(void)fprintf(cli.err, "%s: cannot write: %s\n", cli.name,
			strerror(errno));
		code = CLI_UNTESTED;
	}
out:
	arena_free(&cli.arena);
	return code;
}

int cli_usage(const struct cli *cli, const char *fmt, ...)
{
	struct err e = {};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	(void)fprintf(cli->err, "%s: %s\n  %s --help says how to use it\n",
		cli->name, e.text, cli->name);
	return CLI_USAGE;
}

static void print_error(
	const struct cli *cli, const struct err *e, const char *remedy)
{
	struct sbuf b = sbuf_arena(cli->arena, ERROR_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 2);

	json_open_object(&w, NULL);
	json_open_object(&w, "error");
	json_put_z(&w, "text", e->text);
	json_put_z(&w, "remedy", remedy != NULL ? remedy : "");
	json_close_object(&w);
	json_close_object(&w);
	cli_json_end(cli, &b);
}

int cli_failed(const struct cli *cli, const struct err *e)
{
	return cli_failed_remedy(cli, e, NULL);
}

int cli_failed_remedy(
	const struct cli *cli, const struct err *e, const char *remedy)
{
	(void)fprintf(cli->err, "%s: %s\n", cli->name, e->text);
	if (remedy != NULL)
		(void)fprintf(cli->err, "  What to do: %s.\n", remedy);
	if (cli->json)
		print_error(cli, e, remedy);
	return CLI_UNTESTED;
}

/* Reads fd to its end into b, which is one byte larger than allowed. */
static enum status read_all(int fd, struct sbuf *b, size_t max, struct err *e)
{
	char *chunk = arena_alloc(b->arena, READ_CHUNK);

	BUG(chunk == NULL);
	for (;;) {
		ssize_t n = read(fd, chunk, READ_CHUNK);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, ST_PERM, errno, "cannot read");
		if (n == 0)
			return ST_OK;
		if ((size_t)n > max - b->n)
			return err_set(e, ST_LIMIT,
				"is larger than %zu bytes, too large for this",
				max);
		sbuf_add(b, (struct str){ chunk, (size_t)n });
		BUG(!sbuf_ok(b));
	}
}

enum status cli_read(struct cli *cli, const char *path, size_t max,
	struct str *out, struct err *e)
{
	struct sbuf b = sbuf_arena(cli->arena, max + 1);
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	enum status st;

	if (fd < 0)
		return err_sys(e, ST_PERM, errno, "cannot open %s", path);
	st = read_all(fd, &b, max, e);
	if (st != ST_OK)
		err_prefix(e, "%s", is_stdin ? "standard input" : path);
	else
		*out = sbuf_str(&b);
	if (!is_stdin)
		(void)close(fd);
	return st;
}

const char *cli_red(const struct cli *cli)
{
	return cli->color ? "\033[31m" : "";
}

const char *cli_yellow(const struct cli *cli)
{
	return cli->color ? "\033[33m" : "";
}

const char *cli_green(const struct cli *cli)
{
	return cli->color ? "\033[32m" : "";
}

const char *cli_bold(const struct cli *cli)
{
	return cli->color ? "\033[1m" : "";
}

const char *cli_plain(const struct cli *cli)
{
	return cli->color ? "\033[0m" : "";
}

struct json_writer cli_json_begin(struct cli *cli, struct sbuf *b)
{
	*b = sbuf_arena(cli->arena, JSON_BYTES_MAX);
	return json_writer_of(b, 2);
}

void cli_json_end(const struct cli *cli, const struct sbuf *b)
{
	struct str s = sbuf_str(b);

	BUG(!sbuf_ok(b));
	(void)fprintf(cli->out, "%.*s\n", STR_ARG(s));
}

void cli_json_tree(struct cli *cli, const struct json *tree)
{
	struct sbuf b;
	struct json_writer w = cli_json_begin(cli, &b);

	json_put_tree(&w, NULL, tree);
	cli_json_end(cli, &b);
}
