/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: moat report and its verbs; show prints TLS reports (RFC 8460) as
 * tables or normalised.
 */
#include "base/bug.h"
#include "cli/commands.h"
#include "cli/report_explain.h"
#include "cli/report_import.h"
#include "cli/report_mailbox.h"
#include "cli/report_one.h"
#include "cli/report_rule.h"
#include "cli/report_tables.h"
#include "cli/report_view.h"
#include "intake/unpack.h"

#include "base/poison.h"

/* What one file may cost while it is read. */
#define FILE_ARENA_MAX ((size_t)1 << 30)

/* JSON text may be this much longer than the report it shows. */
#define JSON_BYTES_MAX (16u * TLSRPT_JSON_BYTES_MAX)

struct show {
	struct cli cli; /* its arena lives as long as one file */
	enum report_by by;
	size_t shown; /* reports so far */
};

static void show_json(struct show *s, const struct tlsrpt_report *r)
{
	struct sbuf b = sbuf_arena(s->cli.arena, JSON_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 2);
	struct str text;

	tlsrpt_report_write(&w, r);
	BUG(!sbuf_ok(&b));
	text = sbuf_str(&b);
	(void)fwrite(text.p, 1, text.n, s->cli.out);
}

static void show_one(
	struct show *s, const char *path, const struct tlsrpt_report *r)
{
	if (s->shown++ > 0)
		(void)fputs(s->cli.json ? ",\n" : "\n", s->cli.out);
	if (s->cli.json)
		show_json(s, r);
	else
		report_print(&s->cli, path, r, s->by);
}

/* An array holds reports only: what could not be read is said beside it. */
static int show_failed(const struct show *s, const struct err *e,
	const char *remedy, bool alone)
{
	struct cli said = s->cli;

	said.json = s->cli.json && alone;
	return cli_failed_remedy(&said, e, remedy);
}

/* Reads and shows one file; an exit code. */
static int show_file(struct show *s, const char *path, bool alone)
{
	struct unpacked_reports found = {};
	struct err e = {};
	struct str raw;
	bool array;
	enum status st;

	st = cli_read(&s->cli, path, TLSRPT_RAW_BYTES_MAX, &raw, &e);
	if (st != ST_OK)
		return show_failed(s, &e, CLI_READ_REMEDY, alone);
	st = unpack_reports(s->cli.arena, raw, &found, &e);
	if (st != ST_OK) {
		err_prefix(&e, "%s", path);
		return show_failed(s, &e, NULL, alone);
	}
	/* A mail can hold several reports. */
	array = s->cli.json && alone && found.n > 1;
	(void)fputs(array ? "[\n" : "", s->cli.out);
	for (size_t i = 0; i < found.n; i++)
		show_one(s, path, found.items[i]);
	(void)fputs(array ? "\n]" : "", s->cli.out);
	return CLI_GOOD;
}

/* Goes on after a file that cannot be read; the worst exit code. */
static int show_files(struct show *s, const struct args *args)
{
	int worst = CLI_GOOD;

	for (size_t i = 0; i < args->words.n; i++) {
		int code;

		s->cli.arena = arena_must(FILE_ARENA_MAX);
		code = show_file(s, args->words.items[i], args->words.n == 1);
		worst = code > worst ? code : worst;
		arena_free(&s->cli.arena);
	}
	return worst;
}

/* One file: its report alone; several: an array. */
static int show_files_json(struct show *s, const struct args *args)
{
	bool array = args->words.n > 1;
	int code;

	(void)fputs(array ? "[\n" : "", s->cli.out);
	code = show_files(s, args);
	(void)fputs(array ? "\n]\n" : s->shown > 0 ? "\n" : "", s->cli.out);
	return code;
}

static int run_show(struct cli *cli, const struct args *args)
{
	const char *by = args_get(args, "by");
	struct show s = { .cli = *cli };

	if (args->words.n == 0)
		return cli_usage(cli,
			"at least one file is needed, or - for standard input");
	if (by != NULL && report_by_parse(str_of(by), &s.by) != ST_OK)
		return cli_usage(cli,
			"--by must be result, source, mx or policy, not \"%s\"",
			by);
	return cli->json ? show_files_json(&s, args) : show_files(&s, args);
}

static const struct arg_row show_options[] = {
	{ "by", "WHAT", "group failures by result, source, mx or policy", 0,
		false },
	{},
};

static const struct command verbs[] = {
	{
		.name = "by",
		.words = "WHAT",
		.summary = "What reports add up to: by day, result, mx, "
			   "source, reporter, policy",
		.options = report_by_options,
		.run = report_by_run,
	},
	{
		.name = "erase",
		.words = "",
		.summary = "Erase reports and what they added up to",
		.options = report_erase_options,
		.run = report_erase_run,
	},
	{
		.name = "explain",
		.words = "[WORD...]",
		.summary = "What a result type or reason code means",
		.run = report_explain_run,
	},
	{
		.name = "failures",
		.words = "",
		.summary = "The single failures",
		.options = report_failures_options,
		.run = report_failures_run,
	},
	{
		.name = "get",
		.words = "ID",
		.summary = "One report of the running system, explained",
		.options = report_get_options,
		.run = report_get_run,
	},
	{
		.name = "import",
		.words = "FILE|FOLDER...",
		.summary = "Hand TLS reports to the running system",
		.run = report_import_run,
	},
	{
		.name = "keep",
		.words = "",
		.summary = "How long a tenant's reports are kept",
		.options = report_keep_options,
		.run = report_keep_run,
	},
	{
		.name = "list",
		.words = "",
		.summary = "The TLS reports the running system has",
		.options = report_list_options,
		.run = report_list_run,
	},
	{
		.name = "mailbox",
		.words = "[test NAME]",
		.summary = "The mailboxes that reports are taken from, or a "
			   "trial of one",
		.run = report_mailbox_run,
	},
	{
		.name = "replay",
		.words = "[FILE-NAME...]",
		.summary = "Read raw reports again, after moat learnt more",
		.options = report_replay_options,
		.run = report_replay_run,
	},
	{
		.name = "rule",
		.words = "",
		.summary = "What becomes of reports that nothing proves",
		.options = report_rule_options,
		.run = report_rule_run,
	},
	{
		.name = "show",
		.words = "FILE...",
		.summary = "TLS reports as tables: json, json.gz, eml",
		.options = show_options,
		.run = run_show,
	},
	{
		.name = "summary",
		.words = "",
		.summary = "All that reports say, to read or print",
		.options = report_summary_options,
		.run = report_summary_run,
	},
	{
		.name = "unreadable",
		.words = "",
		.summary = "What came in and could not be read, and why",
		.options = report_unreadable_options,
		.run = report_unreadable_run,
	},
	{},
};

const struct command cmd_report = {
	.name = "report",
	.words = "",
	.summary = "TLS reports that others sent (RFC 8460)",
	.verbs = verbs,
};
