/* SPDX-License-Identifier: Apache-2.0 */
/* lint: moat lint policy|report|sts-record|tlsrpt-record, the strict verdict.
 */
#include "base/bug.h"
#include "cli/commands.h"
#include "cli/findings.h"
#include "cli/lint_report.h"
#include "proto/record_lint.h"
#include "proto/sts_lint.h"
#include "proto/sts_policy.h"
#include "proto/sts_record.h"
#include "proto/tlsrpt_record.h"

#include "base/poison.h"

/* Larger files are cut there, which the linter then says. */
#define READ_BYTES_MAX (1024u * 1024)

static void json_policy(struct json_writer *w, const struct sts_policy *p)
{
	json_open_object(w, "policy");
	json_put_z(w, "version", "STSv1");
	json_put_z(w, "mode", sts_mode_name(p->mode));
	json_put_int(w, "max_age", p->max_age_s);
	json_put_strs(w, "mx", p->mx, p->n_mx);
	json_close_object(w);
}

/* --http-status and --content-type, if one of them was given. */
static enum status lint_served(
	const struct args *args, struct finding_list *list, struct err *e)
{
	const char *type = args_get(args, "content-type");
	int64_t http_status = 200;
	enum status st;

	st = args_int(args, "http-status", 100, 599, &http_status, e);
	if (st != ST_OK)
		return st;
	if (type != NULL || args_flag(args, "http-status"))
		sts_lint_served((unsigned)http_status,
			type == NULL ? STR("text/plain") : str_of(type), list);
	return ST_OK;
}

static int run_policy(struct cli *cli, const struct args *args)
{
	struct finding_list list = finding_list_of(cli->arena);
	struct sts_policy policy;
	struct json_writer w;
	const char *verdict;
	struct err e = {};
	struct sbuf b;
	struct str text;
	int code;

	if (args->words.n != 1)
		return cli_usage(cli,
			"one policy file is needed, or - for standard input");
	if (lint_served(args, &list, &e) != ST_OK)
		return cli_usage(cli, "%s", e.text);
	if (cli_read(cli, args->words.items[0], READ_BYTES_MAX, &text, &e) !=
		ST_OK)
		return cli_failed_remedy(cli, &e, CLI_READ_REMEDY);
	sts_lint_policy(text, &list);
	BUG(sts_policy_parse(cli->arena, text, &policy, NULL) != ST_OK);
	verdict = list.worst == FINDING_ERROR ? "invalid" : "valid";
	if (!cli->json)
		return cli_findings_print(
			cli, args->words.items[0], verdict, &list);
	w = cli_json_begin(cli, &b);
	json_open_object(&w, NULL);
	code = cli_findings_json(&w, args->words.items[0], verdict, &list);
	if (policy.outcome == STS_POLICY_VALID)
		json_policy(&w, &policy);
	json_close_object(&w);
	cli_json_end(cli, &b);
	return code;
}

/* The TXT arguments as records; their number. */
static size_t texts_of(
	struct cli *cli, const struct args *args, struct str **texts)
{
	size_t n = args->words.n;

	*texts = arena_array(cli->arena, n, sizeof(**texts));
	BUG(*texts == NULL);
	for (size_t i = 0; i < n; i++)
		(*texts)[i] = str_of(args->words.items[i]);
	return n;
}

/*
 * "none" when there is no such record and nothing that was meant to be one:
 * then the only error is that it is missing.
 */
static const char *record_verdict(const struct finding_list *list, bool none)
{
	size_t errors = 0;

	for (size_t i = 0; i < list->n; i++)
		errors += list->items[i].level == FINDING_ERROR;
	if (none && errors == 1)
		return "none";
	return errors > 0 ? "invalid" : "valid";
}

static int run_sts_record(struct cli *cli, const struct args *args)
{
	struct finding_list list = finding_list_of(cli->arena);
	struct sts_record rec;
	struct json_writer w;
	const char *verdict;
	struct str *texts;
	struct sbuf b;
	size_t n;
	int code;

	if (args->words.n == 0)
		return cli_usage(cli, "a TXT record's text is missing");
	n = texts_of(cli, args, &texts);
	record_lint_sts(texts, n, &list);
	rec = sts_record_select(texts, n, NULL);
	verdict = record_verdict(&list, rec.outcome == STS_RECORD_NONE);
	if (!cli->json)
		return cli_findings_print(cli, "_mta-sts", verdict, &list);
	w = cli_json_begin(cli, &b);
	json_open_object(&w, NULL);
	code = cli_findings_json(&w, "_mta-sts", verdict, &list);
	if (rec.outcome == STS_RECORD_VALID)
		json_put_str(&w, "id", rec.id);
	json_close_object(&w);
	cli_json_end(cli, &b);
	return code;
}

static int run_tlsrpt_record(struct cli *cli, const struct args *args)
{
	struct finding_list list = finding_list_of(cli->arena);
	struct tlsrpt_record rec = {};
	struct json_writer w;
	const char *verdict;
	struct str *texts;
	struct sbuf b;
	size_t n;
	int code;

	if (args->words.n == 0)
		return cli_usage(cli, "a TXT record's text is missing");
	n = texts_of(cli, args, &texts);
	record_lint_tlsrpt(texts, n, &list);
	BUG(tlsrpt_record_select(cli->arena, texts, n, &rec, NULL) != ST_OK);
	verdict = record_verdict(&list, rec.outcome == TLSRPT_RECORD_NONE);
	if (!cli->json)
		return cli_findings_print(cli, "_smtp._tls", verdict, &list);
	w = cli_json_begin(cli, &b);
	json_open_object(&w, NULL);
	code = cli_findings_json(&w, "_smtp._tls", verdict, &list);
	json_open_array(&w, "rua");
	for (size_t i = 0; i < rec.n_rua; i++)
		json_put_str(&w, NULL, rec.rua[i].text);
	json_close_array(&w);
	json_close_object(&w);
	cli_json_end(cli, &b);
	return code;
}

static const struct arg_row policy_options[] = {
	{ "http-status", "CODE", "the HTTP status it was served with", 0,
		false },
	{ "content-type", "TYPE", "the Content-Type it was served with", 0,
		false },
	{},
};

static const struct command verbs[] = {
	{
		.name = "report",
		.words = "FILE|-",
		.summary = "Is this TLS report right (RFC 8460 section 4)",
		.run = lint_report_run,
	},
	{
		.name = "policy",
		.words = "FILE|-",
		.summary = "Is this policy file right (RFC 8461 section 3.2)",
		.options = policy_options,
		.run = run_policy,
	},
	{
		.name = "sts-record",
		.words = "TXT...",
		.summary = "Are the TXT records of _mta-sts right (RFC 8461 "
			   "section 3.1)",
		.run = run_sts_record,
	},
	{
		.name = "tlsrpt-record",
		.words = "TXT...",
		.summary = "Are the TXT records of _smtp._tls right (RFC 8460 "
			   "section 3)",
		.run = run_tlsrpt_record,
	},
	{},
};

const struct command cmd_lint = {
	.name = "lint",
	.words = "",
	.summary = "Strict verdicts with line, rule and remedy",
	.verbs = verbs,
};
