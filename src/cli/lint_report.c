/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lint_report: moat lint report. A report in gzip or in a mail is unpacked
 * first; lines and columns are those of its JSON text.
 */
#include "cli/findings.h"
#include "cli/lint_report.h"
#include "intake/unpack.h"
#include "proto/tlsrpt_report_lint.h"

#include "base/poison.h"

static const char *verdict_of(const struct finding_list *list)
{
	return list->worst == FINDING_ERROR ? "invalid" : "valid";
}

/* A mail may hold what only looks like a report: that is not judged. */
static void keep_sure(struct unpacked *texts)
{
	size_t n = 0;

	for (size_t i = 0; i < texts->n; i++)
		if (texts->items[i].sure || n == 0)
			texts->items[n++] = texts->items[i];
	texts->n = n;
}

static int print(struct cli *cli, const char *path,
	const struct finding_list *list, struct json_writer *w)
{
	int code;

	if (w == NULL)
		return cli_findings_print(cli, path, verdict_of(list), list);
	json_open_object(w, NULL);
	code = cli_findings_json(w, path, verdict_of(list), list);
	json_close_object(w);
	return code;
}

static int show(struct cli *cli, const char *path, struct str text,
	struct json_writer *w)
{
	struct finding_list list = finding_list_of(cli->arena);

	if (tlsrpt_report_lint(text, &list) != ST_OK)
		finding_add(&list, FINDING_ERROR, 0, 0, "RFC 8460 section 5.2",
			"send several smaller reports",
			"the report is too large to be judged as a whole");
	return print(cli, path, &list, w);
}

/* What holds no report is a verdict too. */
static int show_none(struct cli *cli, const char *path, const struct err *why,
	struct json_writer *w)
{
	struct finding_list list = finding_list_of(cli->arena);

	finding_add(&list, FINDING_ERROR, 0, 0, "RFC 8460 section 5",
		"send JSON, JSON in gzip, or a mail with one of them", "%s",
		why->text);
	return print(cli, path, &list, w);
}

static int show_all(struct cli *cli, const char *path,
	const struct unpacked *texts, struct json_writer *w)
{
	int worst = CLI_GOOD;

	for (size_t i = 0; i < texts->n; i++) {
		int code = show(cli, path, texts->items[i].json, w);

		worst = code > worst ? code : worst;
	}
	return worst;
}

int lint_report_run(struct cli *cli, const struct args *args)
{
	struct unpacked texts = {};
	const char *path;
	struct json_writer w;
	struct err e = {};
	struct sbuf b;
	struct str raw;
	bool found;
	int code;

	if (args->words.n != 1)
		return cli_usage(cli,
			"one report file is needed, or - for standard input");
	path = args->words.items[0];
	if (cli_read(cli, path, TLSRPT_RAW_BYTES_MAX, &raw, &e) != ST_OK)
		return cli_failed_remedy(cli, &e, CLI_READ_REMEDY);
	found = unpack(cli->arena, raw, &texts, &e) == ST_OK;
	if (found)
		keep_sure(&texts);
	else
		texts.n = 0;
	if (!cli->json)
		return found ? show_all(cli, path, &texts, NULL)
			     : show_none(cli, path, &e, NULL);
	w = cli_json_begin(cli, &b);
	if (texts.n > 1)
		json_open_array(&w, NULL);
	code = found ? show_all(cli, path, &texts, &w)
		     : show_none(cli, path, &e, &w);
	if (texts.n > 1)
		json_close_array(&w);
	cli_json_end(cli, &b);
	return code;
}
