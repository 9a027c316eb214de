/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_import: hands files to moatd, which digests them like those it gets
 * by mail or POST, and shows what it has.
 */
#include "cli/client.h"
#include "cli/mail_files.h"
#include "cli/report_import.h"
#include "cli/report_query.h"
#include "cli/table.h"
#include "intake/unpack.h"

#include "base/poison.h"

/* With several files an array, which holds answers only. */
struct imports {
	struct cli cli; /* its arena lives as long as one report */
	bool array;
	size_t shown; /* elements so far */
};

static void show_answer(struct imports *i, const struct json *answer)
{
	(void)fputs(i->shown++ > 0 ? "," : "", i->cli.out);
	cli_json_tree(&i->cli, answer);
}

/* A mail_files_fn. Is there a report in it? Said here and now, not in moatd's
 * list later. */
static int import_one(
	void *ctx, struct arena *a, const char *name, struct str raw)
{
	struct imports *i = ctx;
	struct client_call call = { .method = "POST",
		.path = STR("/api/v1/reports/import"),
		.body = raw,
		.content_type = "application/octet-stream" };
	struct unpacked_reports found = {};
	const struct json *answer;
	struct err e = {};
	int code;

	i->cli.arena = a;
	if (unpack_reports(a, raw, &found, &e) != ST_OK) {
		err_prefix(&e, "%s", name);
		return cli_failed(&i->cli, &e);
	}
	code = client_do(&i->cli, &call, &answer);
	if (code == CLI_GOOD && i->array)
		show_answer(i, answer);
	else if (code == CLI_GOOD && !i->cli.json)
		(void)fprintf(i->cli.out, "%s: %zu report%s handed in as %s\n",
			name, found.n, found.n == 1 ? "" : "s",
			client_text(&i->cli, answer, "name"));
	return code;
}

/* Goes on after one that fails; the worst exit code. */
int report_import_run(struct cli *cli, const struct args *args)
{
	struct imports all = { .cli = *cli,
		.array = cli->json && args->words.n > 1 };
	int worst = CLI_GOOD;

	if (args->words.n == 0)
		return cli_usage(cli, "at least one file or folder is needed, "
				      "or - for standard input");
	if (cli->json && mail_files_are_many(args->words.items[0]))
		all.array = true;
	/* What fails is said beside the array. */
	all.cli.json = cli->json && !all.array;
	(void)fputs(all.array ? "[" : "", cli->out);
	for (size_t i = 0; i < args->words.n; i++) {
		int code = mail_files_each(
			&all.cli, args->words.items[i], import_one, &all);

		worst = code > worst ? code : worst;
	}
	(void)fputs(all.array ? "]\n" : "", cli->out);
	return worst;
}

/* ---- replay */

#define REPLAY_BODY_MAX (1u << 20)

const struct arg_row report_replay_options[] = {
	{ "unreadable", NULL, "all that could not be read so far", 0, false },
	{},
};

static struct str replay_body(struct cli *cli, const struct args *args)
{
	struct sbuf b = sbuf_arena(cli->arena, REPLAY_BODY_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_bool(&w, "unreadable", args_flag(args, "unreadable"));
	json_open_array(&w, "names");
	for (size_t i = 0; i < args->words.n; i++)
		json_put_z(&w, NULL, args->words.items[i]);
	json_close_array(&w);
	json_close_object(&w);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

/* Names that are not there are errors, but the others are done. */
int report_replay_run(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "POST",
		.path = STR("/api/v1/reports/replay"),
		.body = replay_body(cli, args) };
	const struct json *answer, *missing;
	struct cli text = *cli;
	int64_t n;
	int code;

	text.json = false; /* the answer is the document */
	if ((args->words.n > 0) == args_flag(args, "unreadable"))
		return cli_usage(cli,
			"either --unreadable or file names are needed: moat "
			"report unreadable and moat report get show them");
	if (call.body.p == NULL)
		return cli_usage(cli, "these are too many names at once");
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD)
		return code;
	missing = json_first(answer, "missing");
	n = client_int(answer, "replayed");
	if (!cli->json)
		(void)fprintf(cli->out, "%lld report%s to be read again\n",
			(long long)n, n == 1 ? "" : "s");
	for (; missing != NULL; missing = missing->next) {
		struct err e = {};

		(void)err_set(&e, ST_NOTFOUND,
			"%.*s is neither in spool/bad nor in spool/done",
			STR_ARG(str_upto(json_str(missing), 100)));
		code = cli_failed(&text, &e);
	}
	return code;
}

/* ---- list */

const struct arg_row report_list_options[] = {
	{ "domain", "DOMAIN", "only reports about this domain", 0, false },
	{ "limit", "N", "at most so many, the newest first", 0, false },
	{ "state", "STATE",
		"the quarantined or ignored ones instead of the accepted", 0,
		false },
	REPORT_TENANT,
	{},
};
const struct arg_row report_unreadable_options[] = {
	{ "limit", "N", "at most so many, the newest first", 0, false },
	{},
};

static struct str day_of(struct cli *cli, int64_t t)
{
	return t == 0 ? STR("unknown")
		      : str_upto(str_of(client_time(cli, t)), 10);
}

/* A report has a row for each policy: they are never added up. */
static void list_policy(struct cli *cli, struct table *t,
	const struct json *report, const struct json *policy, bool with_why)
{
	struct table_row *row = table_add(t);
	struct str proof = json_get_str(report, "proof");

	row->cells[0] = day_of(cli, client_int(report, "begin"));
	row->cells[1] = table_text(t, json_get_str(report, "domain"));
	row->cells[2] = table_text(t, json_get_str(report, "organization"));
	row->cells[3] = table_text(t, json_get_str(policy, "type"));
	row->cells[4] = table_number(t, client_int(policy, "successful"));
	row->cells[5] = table_number(t, client_int(policy, "failed"));
	row->cells[6] = proof.n == 0 ? STR("none") : table_text(t, proof);
	row->cells[7] = table_text(t, json_get_str(report, "id"));
	if (with_why)
		row->cells[8] = table_text(t, json_get_str(report, "why"));
}

static bool is_state(struct str s)
{
	return str_eq(s, STR("accepted")) || str_eq(s, STR("quarantined")) ||
	       str_eq(s, STR("ignored"));
}

int report_list_run(struct cli *cli, const struct args *args)
{
	static const char *const heads[] = { "DAY", "DOMAIN", "FROM", "POLICY",
		">SUCCESSFUL", ">FAILED", "PROOF", "ID", "WHY" };
	const char *state = args_get(args, "state");
	/* What was accepted needs no reason. */
	struct table t = table_of(cli->arena, heads, state == NULL ? 8 : 9);
	struct report_query q = report_query_begin(cli, "/api/v1/reports");
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code = report_query_domain(cli, args, &q);

	if (code == CLI_GOOD)
		code = report_query_limit(cli, args, &q);
	if (code == CLI_GOOD)
		code = report_query_tenant(cli, args, &q);
	if (code != CLI_GOOD)
		return code;
	if (state != NULL && !is_state(str_of(state)))
		return cli_usage(cli, "--state must be accepted, quarantined "
				      "or ignored");
	report_query_add(&q, "state", state);
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	for (const struct json *r = json_first(answer, "reports"); r != NULL;
		r = r->next)
		for (const struct json *p = json_first(r, "policies");
			p != NULL; p = p->next)
			list_policy(cli, &t, r, p, state != NULL);
	if (t.n > 0)
		table_print(cli, &t, "");
	else
		(void)fprintf(cli->out, "no reports yet\n");
	return code;
}

int report_unreadable_run(struct cli *cli, const struct args *args)
{
	static const char *const heads[] = { "RECEIVED", "FILE", "RECIPIENT",
		"REMOTE", ">BYTES", "REASON" };
	struct report_query q = report_query_begin(
		cli, "/api/v1/reports/unreadable");
	struct table t = table_of(cli->arena, heads, 6);
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code = report_query_limit(cli, args, &q);

	if (code != CLI_GOOD)
		return code;
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	for (const struct json *r = json_first(answer, "unreadable"); r != NULL;
		r = r->next) {
		struct table_row *row = table_add(&t);

		row->cells[0] = str_of(
			client_time(cli, client_int(r, "received")));
		row->cells[1] = table_text(&t, json_get_str(r, "name"));
		row->cells[2] = table_text(&t, json_get_str(r, "id"));
		row->cells[3] = table_text(&t, json_get_str(r, "remote"));
		row->cells[4] = table_number(&t, client_int(r, "bytes"));
		row->cells[5] = table_text(&t, json_get_str(r, "reason"));
	}
	if (t.n > 0)
		table_print(cli, &t, "");
	else
		(void)fprintf(cli->out, "all reports could be read\n");
	return code;
}
