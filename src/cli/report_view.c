/* SPDX-License-Identifier: Apache-2.0 */
/* report_view: moat report by, failures and summary. */
#include "base/bug.h"
#include "base/csv.h"
#include "cli/client.h"
#include "cli/report_explain.h"
#include "cli/report_query.h"
#include "cli/report_view.h"
#include "cli/table.h"

#include "base/poison.h"

#define CSV_BYTES_MAX ((size_t)256 << 20)
#define SUMMARY_ROWS 10
#define SUMMARY_DAYS 31

const struct arg_row report_by_options[] = {
	REPORT_DAYS,
	{ "group", "GROUP", "only results of sts, dane, transport or other", 0,
		false },
	{ "result", "TYPE", "only this result type", 0, false },
	{ "proven", NULL, "leave out reports that nothing proves", 0, false },
	{ "limit", "N", "at most so many rows", 0, false },
	{ "csv", NULL, "comma-separated values, safe for spreadsheets", 0,
		false },
	REPORT_TENANT,
	{},
};

const struct arg_row report_failures_options[] = {
	REPORT_DAYS,
	{ "result", "TYPE", "only this result type", 0, false },
	{ "reason", "CODE", "only this reason code", 0, false },
	{ "organization", "NAME", "only what this reporter says", 0, false },
	{ "sending-mta", "ADDRESS", "only what this server met", 0, false },
	{ "mx-host", "HOST", "only what was met at this host", 0, false },
	{ "before", "ID", "go on before this report", 0, false },
	{ "limit", "N", "at most so many, the newest first", 0, false },
	{ "csv", NULL, "comma-separated values, safe for spreadsheets", 0,
		false },
	REPORT_TENANT,
	{},
};

const struct arg_row report_summary_options[] = {
	REPORT_DAYS,
	REPORT_TENANT,
	{},
};

/* Members of the API's rows, and what stands above them. */
struct view {
	const char *name;
	const char *members[TABLE_COLUMNS_MAX];
	const char *heads[TABLE_COLUMNS_MAX];
};

static const struct view views[] = {
	{ "day", { "day", "policy_type", "successful", "failed", "proven" },
		{ "DAY", "POLICY", ">SUCCESSFUL", ">FAILED", "PROVEN" } },
	{ "result",
		{ "result_type", "reason", "policy_type", "failed", "last_day",
			"proven" },
		{ "RESULT", "REASON", "POLICY", ">FAILED", "LAST", "PROVEN" } },
	{ "mx",
		{ "mx_host", "result_type", "policy_type", "failed", "last_day",
			"proven" },
		{ "RECEIVING MX", "RESULT", "POLICY", ">FAILED", "LAST",
			"PROVEN" } },
	{ "source",
		{ "organization", "sending_mta", "sending_name",
			"sending_name_confirmed", "result_type", "policy_type",
			"failed", "last_day", "proven" },
		{ "FROM", "SENDING MTA", "ITS NAME", "CONFIRMED", "RESULT",
			"POLICY", ">FAILED", "LAST", "PROVEN" } },
	{ "reporter",
		{ "organization", "policy_type", "successful", "failed",
			"first_day", "last_day", "proven" },
		{ "FROM", "POLICY", ">SUCCESSFUL", ">FAILED", "FIRST", "LAST",
			"PROVEN" } },
	{ "policy",
		{ "organization", "policy_type", "successful", "failed",
			"first_day", "last_day", "proven", "served", "policy" },
		{ "FROM", "POLICY", ">SUCCESSFUL", ">FAILED", "FIRST", "LAST",
			"PROVEN", "SERVED", "POLICY TEXT" } },
};

static const struct view failures_view = { "failures",
	{ "day", "organization", "sending_mta", "mx_host", "result_type",
		"reason", "policy_type", "failed", "report" },
	{ "DAY", "FROM", "SENDING MTA", "RECEIVING MX", "RESULT", "REASON",
		"POLICY", ">FAILED", "REPORT" } };

static size_t columns_of(const struct view *v)
{
	size_t n = 0;

	while (n < TABLE_COLUMNS_MAX && v->members[n] != NULL)
		n++;
	return n;
}

static const struct view *view_of(const char *name)
{
	for (size_t i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (str_eq(str_of(name), str_of(views[i].name)))
			return &views[i];
	return NULL;
}

/* ---- rows --------------------------------------------------------------- */

/* The lines of a policy side by side. */
static struct str one_line(struct arena *a, struct str text)
{
	struct sbuf b = sbuf_arena(a, 2 * text.n + 1);

	while (text.p != NULL) {
		sbuf_add(&b, str_cut(&text, '\n'));
		sbuf_addz(&b, text.p != NULL ? ", " : "");
	}
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

static struct str cell_of(struct table *t, const struct json *v)
{
	int64_t n;

	if (v != NULL && v->type == JSON_NUMBER &&
		json_i64(v, INT64_MIN, INT64_MAX, &n) == ST_OK)
		return table_number(t, n);
	if (v != NULL && v->type == JSON_BOOL)
		return json_true(v) ? STR("yes") : STR("no");
	if (json_str(v).n == 0)
		return STR("-");
	return table_text(t, one_line(t->arena, json_str(v)));
}

/* At most max rows. */
static void print_rows(struct cli *cli, const struct view *v,
	const struct json *row, size_t max)
{
	size_t n = columns_of(v);
	struct table t = table_of(cli->arena, v->heads, n);

	for (; row != NULL && max > 0; row = row->next, max--) {
		struct table_row *r = table_add(&t);

		for (size_t i = 0; i < n; i++)
			r->cells[i] = cell_of(&t, json_get(row, v->members[i]));
	}
	if (t.n > 0)
		table_print(cli, &t, "");
	else
		(void)fprintf(cli->out, "nothing\n");
}

static void put_cell(struct csv_writer *w, const struct json *v)
{
	int64_t n;

	if (v != NULL && v->type == JSON_NUMBER &&
		json_i64(v, INT64_MIN, INT64_MAX, &n) == ST_OK)
		csv_put_int(w, n);
	else if (v != NULL && v->type == JSON_BOOL)
		csv_put_str(w, json_true(v) ? STR("yes") : STR("no"));
	else
		csv_put_str(w, json_str(v));
}

static void print_csv(
	struct cli *cli, const struct view *v, const struct json *row)
{
	struct sbuf b = sbuf_arena(cli->arena, CSV_BYTES_MAX);
	struct csv_writer w = csv_writer_of(&b);
	size_t n = columns_of(v);

	for (size_t i = 0; i < n; i++)
		csv_put_str(&w, str_of(v->members[i]));
	csv_end_line(&w);
	for (; row != NULL; row = row->next) {
		for (size_t i = 0; i < n; i++)
			put_cell(&w, json_get(row, v->members[i]));
		csv_end_line(&w);
	}
	BUG(!sbuf_ok(&b));
	(void)fwrite(b.p, 1, b.n, cli->out);
}

/* ---- by ----------------------------------------------------------------- */

static const struct json *judgement_of(
	const struct json *answer, struct str result)
{
	const struct json *j = json_first(answer, "judgements");

	while (j != NULL && !str_eq(json_get_str(j, "result_type"), result))
		j = j->next;
	return j;
}

/* Has a row before this one the same text there? */
static bool seen(const struct json *first, const struct json *row,
	const char *member, const char *name)
{
	struct str text = json_get_str(json_get(row, member), name);

	for (; first != row; first = first->next)
		if (str_eq(json_get_str(json_get(first, member), name), text))
			return true;
	return text.n == 0;
}

/* Each result and reason of the rows once. */
static void explain_rows(struct cli *cli, const struct json *answer)
{
	const struct json *first = json_first(answer, "rows");

	for (const struct json *r = first; r != NULL; r = r->next)
		if (!seen(first, r, "meaning", "name")) {
			(void)fputc('\n', cli->out);
			report_explain_print(cli, json_get(r, "meaning"),
				judgement_of(answer,
					json_get_str(r, "result_type")));
		}
	for (const struct json *r = first; r != NULL; r = r->next)
		if (!seen(first, r, "reason_meaning", "name")) {
			(void)fputc('\n', cli->out);
			report_explain_print(
				cli, json_get(r, "reason_meaning"), NULL);
		}
	if (json_get(first, "meaning") != NULL &&
		json_get(answer, "judgements") == NULL)
		(void)fprintf(cli->out,
			"\nThese are reports about several domains: whose "
			"fault it seems to be is told\nwith --domain.\n");
}

static int ask_view(struct cli *cli, const struct args *args,
	const struct view *v, bool filters, bool quiet,
	const struct json **answer)
{
	struct report_query q = report_query_begin(cli,
		arena_fmt(cli->arena, "/api/v1/reports/views/%s", v->name).p);
	struct client_call call = { .method = "GET", .quiet = quiet };
	int code = report_query_days(cli, args, &q);

	if (code != CLI_GOOD)
		return code;
	if (filters) {
		report_query_add(&q, "group", args_get(args, "group"));
		report_query_add(&q, "result", args_get(args, "result"));
		report_query_add(&q, "limit", args_get(args, "limit"));
		report_query_add(
			&q, "proven", args_flag(args, "proven") ? "yes" : NULL);
	}
	call.path = report_query_path(&q);
	return client_do(cli, &call, answer);
}

/* Is it one of the tenant's? When that cannot be found out, it may be. */
static bool is_domain(
	struct cli *cli, const struct args *args, const char *domain)
{
	struct report_query q = report_query_begin(
		cli, arena_fmt(cli->arena, "/api/v1/domains/%s", domain).p);
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	const char *remedy;
	struct err e = {};
	int code = 0;

	(void)report_query_tenant(cli, args, &q);
	call.path = report_query_path(&q);
	return client_ask(cli, &call, &code, &answer, &remedy, &e) != ST_OK ||
	       code != 404;
}

/* There are no rows: of which domain and days, and is there such a domain? */
static int print_none(
	struct cli *cli, const struct args *args, const struct json *answer)
{
	const char *domain = client_text(cli, answer, "domain");

	if (domain[0] != '\0' && !is_domain(cli, args, domain)) {
		(void)fprintf(cli->err,
			"moat: no report about %s, and no such domain here: "
			"moat domain list shows those there are\n",
			domain);
		return CLI_ERRORS;
	}
	(void)fprintf(cli->out,
		"nothing%s%s from %s to %s; --from takes an earlier day\n",
		domain[0] != '\0' ? " about " : "", domain,
		client_text(cli, answer, "from"),
		client_text(cli, answer, "to"));
	return CLI_GOOD;
}

int report_by_run(struct cli *cli, const struct args *args)
{
	const struct view *v = args->words.n == 1
				       ? view_of(args->words.items[0])
				       : NULL;
	bool csv = args_flag(args, "csv");
	const struct json *answer;
	int code;

	if (v == NULL)
		return cli_usage(cli, "by day, result, mx, source, reporter or "
				      "policy");
	code = ask_view(cli, args, v, true, false, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	if (csv) {
		print_csv(cli, v, json_first(answer, "rows"));
		return code;
	}
	if (json_first(answer, "rows") == NULL)
		return print_none(cli, args, answer);
	print_rows(cli, v, json_first(answer, "rows"), SIZE_MAX);
	if (json_true(json_get(answer, "more")))
		(void)fprintf(cli->out, "(there is more: --limit)\n");
	explain_rows(cli, answer);
	return code;
}

/* ---- failures ----------------------------------------------------------- */

int report_failures_run(struct cli *cli, const struct args *args)
{
	static const char *const filters[][2] = { { "result", "result" },
		{ "reason", "reason" }, { "organization", "organization" },
		{ "sending-mta", "sending_mta" }, { "mx-host", "mx_host" },
		{ "before", "before" }, { "limit", "limit" } };
	struct report_query q = report_query_begin(
		cli, "/api/v1/reports/failures");
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code = report_query_days(cli, args, &q);

	if (code != CLI_GOOD)
		return code;
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		report_query_add(
			&q, filters[i][1], args_get(args, filters[i][0]));
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	if (args_flag(args, "csv"))
		print_csv(cli, &failures_view, json_first(answer, "failures"));
	else
		print_rows(cli, &failures_view, json_first(answer, "failures"),
			SIZE_MAX);
	return code;
}

/* ---- summary ------------------------------------------------------------ */

static const struct {
	const char *view, *title;
	size_t rows; /* that are shown */
} chapters[] = {
	{ "reporter", "Who reports, and how sessions went", SUMMARY_ROWS },
	{ "result", "What failed", SUMMARY_ROWS },
	{ "mx", "At which of your hosts", SUMMARY_ROWS },
	{ "source", "Whom it befell", SUMMARY_ROWS },
	{ "policy", "Which policy senders held", SUMMARY_ROWS },
	{ "day", "Day by day", SUMMARY_DAYS },
};
#define CHAPTERS (sizeof(chapters) / sizeof(chapters[0]))

static void print_title(const struct cli *cli, const struct json *answer)
{
	struct str domain = json_get_str(answer, "domain");

	(void)fprintf(cli->out, "%sTLS reports about %.*s, %.*s to %.*s%s\n",
		cli_bold(cli),
		STR_ARG(domain.n > 0 ? domain : STR("all domains")),
		STR_ARG(json_get_str(answer, "from")),
		STR_ARG(json_get_str(answer, "to")), cli_plain(cli));
	(void)fprintf(cli->out,
		"Sessions of different policy types are not added up: a sender "
		"may count one\nunder several. So are not what is proven and "
		"what is not.\n");
}

/* The rest of a long table is not passed over in silence. */
static void print_rest(struct cli *cli, const struct json *answer, size_t shown)
{
	const struct json *rows = json_get(answer, "rows");

	if (rows != NULL && rows->count > shown)
		(void)fprintf(cli->out,
			"(and %zu%s rows: moat report by "
			"%s)\n",
			rows->count - shown,
			json_true(json_get(answer, "more")) ? " or more" : "",
			client_text(cli, answer, "view"));
}

/* What counts nowhere is said, too. */
static void print_aside(struct cli *cli, const struct json *rule)
{
	static const char *const states[] = { "quarantined", "ignored" };

	(void)fprintf(cli->out, "\n%sSet aside, of all domains and days%s\n",
		cli_bold(cli), cli_plain(cli));
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		int64_t n = client_int(json_get(rule, "proven"), states[i]) +
			    client_int(json_get(rule, "unproven"), states[i]);

		(void)fprintf(cli->out,
			"%lld reports %s: moat report list --state %s\n",
			(long long)n, states[i], states[i]);
	}
	(void)fprintf(
		cli->out, "What could not be read: moat report unreadable\n");
}

static bool are_empty(const struct json *const *answers)
{
	for (size_t i = 0; i < CHAPTERS; i++)
		if (json_first(answers[i], "rows") != NULL)
			return false;
	return true;
}

static void print_chapters(struct cli *cli, const struct json *const *answers)
{
	print_title(cli, answers[0]);
	for (size_t i = 0; i < CHAPTERS; i++) {
		const struct json *rows = json_first(answers[i], "rows");

		(void)fprintf(cli->out, "\n%s%s%s\n", cli_bold(cli),
			chapters[i].title, cli_plain(cli));
		print_rows(
			cli, view_of(chapters[i].view), rows, chapters[i].rows);
		print_rest(cli, answers[i], chapters[i].rows);
		explain_rows(cli, answers[i]);
	}
}

static void print_chapters_json(struct cli *cli,
	const struct json *const *answers, const struct json *rule)
{
	struct sbuf b;
	struct json_writer w = cli_json_begin(cli, &b);

	json_open_object(&w, NULL);
	for (size_t i = 0; i < CHAPTERS; i++)
		json_put_tree(&w, chapters[i].view, answers[i]);
	json_put_tree(&w, "rule", rule);
	json_close_object(&w);
	cli_json_end(cli, &b);
}

static int ask_rule(
	struct cli *cli, const struct args *args, const struct json **answer)
{
	struct report_query q = report_query_begin(cli, "/api/v1/reports/rule");
	struct client_call call = { .method = "GET", .quiet = true };
	int code = report_query_tenant(cli, args, &q);

	call.path = report_query_path(&q);
	return code == CLI_GOOD ? client_do(cli, &call, answer) : code;
}

int report_summary_run(struct cli *cli, const struct args *args)
{
	const struct json *answers[CHAPTERS], *rule;
	int code = CLI_GOOD;

	for (size_t i = 0; code == CLI_GOOD && i < CHAPTERS; i++)
		code = ask_view(cli, args, view_of(chapters[i].view), false,
			true, &answers[i]);
	if (code == CLI_GOOD)
		code = ask_rule(cli, args, &rule);
	if (code != CLI_GOOD)
		return code;
	if (cli->json) {
		print_chapters_json(cli, answers, rule);
		return code;
	}
	if (are_empty(answers))
		code = print_none(cli, args, answers[0]);
	else
		print_chapters(cli, answers);
	if (code == CLI_GOOD)
		print_aside(cli, rule);
	return code;
}
