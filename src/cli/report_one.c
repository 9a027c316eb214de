/* SPDX-License-Identifier: Apache-2.0 */
/* report_one: moat report get, keep and erase. */
#include "base/base64.h"
#include "base/bug.h"
#include "cli/client.h"
#include "cli/report_explain.h"
#include "cli/report_one.h"
#include "cli/report_query.h"
#include "proto/host_name.h"

#include "base/poison.h"

#define BODY_BYTES_MAX 4096u
#define DAY_S INT64_C(86400)

const struct arg_row report_get_options[] = {
	{ "raw", NULL, "the file it came in, byte by byte", 0, false },
	REPORT_TENANT,
	{},
};
const struct arg_row report_keep_options[] = {
	{ "raw", "DAYS", "the files as they came; 0: as moat.conf says", 0,
		false },
	{ "detail", "DAYS", "reports with their failures", 0, false },
	{ "totals", "DAYS", "what they add up to by day", 0, false },
	REPORT_TENANT,
	{},
};
const struct arg_row report_erase_options[] = {
	REPORT_DAYS,
	{ "all", NULL, "all domains, instead of --domain", 0, false },
	REPORT_TENANT,
	{},
};

/* ---- get ---------------------------------------------------------------- */

static void print_failure(struct cli *cli, const struct json *f)
{
	static const char *const shown[][2] = { { "reason", "reason" },
		{ "sending_mta", "sending MTA" }, { "mx_host", "MX host" },
		{ "mx_address", "MX address" }, { "mx_helo", "MX greeting" },
		{ "information", "more at" } };

	(void)fprintf(cli->out, "\n%lld failed: %s\n",
		(long long)client_int(f, "failed"),
		client_text(cli, f, "result_type"));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		if (json_get_str(f, shown[i][0]).n > 0)
			(void)fprintf(cli->out, "  %-12s %s\n", shown[i][1],
				client_text(cli, f, shown[i][0]));
	(void)fputc('\n', cli->out);
	report_explain_print(cli, json_get(f, "meaning"), NULL);
	if (json_get(f, "reason_meaning") == NULL)
		return;
	(void)fputc('\n', cli->out);
	report_explain_print(cli, json_get(f, "reason_meaning"), NULL);
}

static void print_lines(struct cli *cli, const char *label,
	const struct json *policy, const char *member)
{
	for (const struct json *s = json_first(policy, member); s != NULL;
		s = s->next) {
		struct sbuf b = sbuf_arena(cli->arena, 4 * json_str(s).n + 1);

		sbuf_escaped(&b, json_str(s));
		(void)fprintf(
			cli->out, "  %s: %.*s\n", label, STR_ARG(sbuf_str(&b)));
	}
}

static void print_report(struct cli *cli, const struct json *r)
{
	static const char *const heads[][2] = { { "organization", "from" },
		{ "report_id", "their id" }, { "domain", "about" },
		{ "state", "state" }, { "why", "why" }, { "via", "came by" },
		{ "raw", "file" }, { "quirks", "quirks" } };
	struct str proof = json_get_str(r, "proof");

	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		if (json_get_str(r, heads[i][0]).n > 0)
			(void)fprintf(cli->out, "%-9s %s\n", heads[i][1],
				client_text(cli, r, heads[i][0]));
	(void)fprintf(cli->out, "%-9s %s\n", "proof",
		proof.n > 0 ? client_text(cli, r, "proof") : "none");
	(void)fprintf(cli->out, "%-9s %s\n", "begins",
		client_time(cli, client_int(r, "begin")));
	(void)fprintf(cli->out, "%-9s %s\n", "ends",
		client_time(cli, client_int(r, "end")));
	for (const struct json *p = json_first(r, "policies"); p != NULL;
		p = p->next) {
		(void)fprintf(cli->out,
			"\npolicy %s: %lld successful, %lld failed\n",
			client_text(cli, p, "type"),
			(long long)client_int(p, "successful"),
			(long long)client_int(p, "failed"));
		print_lines(cli, "policy", p, "strings");
		print_lines(cli, "mx", p, "mx_hosts");
		for (const struct json *f = json_first(p, "failures");
			f != NULL; f = f->next)
			print_failure(cli, f);
	}
}

static int print_raw(struct cli *cli, const struct json *answer)
{
	struct str bytes;
	struct err e = {};

	if (base64_parse(cli->arena, json_get_str(answer, "base64"), &bytes) !=
		ST_OK) {
		(void)err_set(&e, ST_PERM, "the answer is no base64");
		return cli_failed(cli, &e);
	}
	(void)fwrite(bytes.p, 1, bytes.n, cli->out);
	return CLI_GOOD;
}

static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!chr_is_alnum(s.p[i]))
			return false;
	return s.n > 0;
}

int report_get_run(struct cli *cli, const struct args *args)
{
	bool raw = args_flag(args, "raw");
	const char *id = args->words.n == 1 ? args->words.items[0] : "";
	struct client_call call = { .method = "GET" };
	struct report_query q;
	const struct json *answer;
	int code;

	if (!is_id(str_of(id)))
		return cli_usage(cli, "one id is needed, as moat report list "
				      "and moat report failures show it");
	q = report_query_begin(
		cli, arena_fmt(cli->arena, "/api/v1/reports/%s%s", id,
			     raw ? "/raw" : "")
			     .p);
	report_query_add(&q, "tenant", args_get(args, "tenant"));
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	if (raw)
		return print_raw(cli, answer);
	print_report(cli, answer);
	return code;
}

/* ---- keep --------------------------------------------------------------- */

static const char *const kept[][3] = {
	{ "raw", "raw_now", "the files as they came" },
	{ "detail", "detail_now", "reports with their failures" },
	{ "totals", "totals_now", "what they add up to by day" },
};
#define KEPT (sizeof(kept) / sizeof(kept[0]))

/* The options given, as members in seconds; *any: there were some. */
static enum status put_times(const struct args *args, struct json_writer *w,
	bool *any, struct err *e)
{
	enum status st = ST_OK;

	for (size_t i = 0; st == ST_OK && i < KEPT; i++) {
		int64_t days = 0;

		if (args_get(args, kept[i][0]) == NULL)
			continue;
		st = args_int(args, kept[i][0], 0, 36500, &days, e);
		json_put_int(w, kept[i][0], days * DAY_S);
		*any = true;
	}
	return st;
}

int report_keep_run(struct cli *cli, const struct args *args)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);
	struct report_query q = report_query_begin(cli, "/api/v1/reports/keep");
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	struct err e = {};
	bool any = false;
	int code;

	json_open_object(&w, NULL);
	if (put_times(args, &w, &any, &e) != ST_OK)
		return cli_usage(cli, "%s", e.text);
	json_close_object(&w);
	report_query_add(&q, "tenant", args_get(args, "tenant"));
	call.path = report_query_path(&q);
	if (any) {
		call.method = "POST";
		call.body = sbuf_str(&b);
	}
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	for (size_t i = 0; i < KEPT; i++)
		(void)fprintf(cli->out, "%s: %lld days%s\n", kept[i][2],
			(long long)(client_int(answer, kept[i][1]) / DAY_S),
			client_int(answer, kept[i][0]) == 0
				? ", as moat.conf says"
				: "");
	return code;
}

/* ---- erase -------------------------------------------------------------- */

static struct str erase_body(
	struct cli *cli, const struct args *args, struct str domain)
{
	static const char *const texts[] = { "from", "to" };
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (args_get(args, texts[i]) != NULL)
			json_put_z(&w, texts[i], args_get(args, texts[i]));
	if (domain.n > 0)
		json_put_str(&w, "domain", domain);
	json_put_bool(&w, "all", args_flag(args, "all"));
	json_close_object(&w);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

int report_erase_run(struct cli *cli, const struct args *args)
{
	struct report_query q = report_query_begin(
		cli, "/api/v1/reports/erase");
	struct client_call call = { .method = "POST" };
	const char *domain = args_get(args, "domain");
	const struct json *answer;
	struct str name = {};
	struct err e = {};
	int code;

	if ((domain == NULL) == !args_flag(args, "all"))
		return cli_usage(cli, "say --domain DOMAIN, or --all");
	if (domain != NULL &&
		host_name_parse(cli->arena, str_of(domain), &name, &e) != ST_OK)
		return cli_usage(cli, "%s: %s", domain, e.text);
	report_query_add(&q, "tenant", args_get(args, "tenant"));
	call.path = report_query_path(&q);
	call.body = erase_body(cli, args, name);
	if (call.body.p == NULL)
		return cli_usage(cli, "an option is too long");
	code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		(void)fprintf(cli->out, "reports erased: %lld, files: %lld\n",
			(long long)client_int(answer, "erased"),
			(long long)client_int(answer, "files"));
	return code;
}
