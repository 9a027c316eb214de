/* SPDX-License-Identifier: Apache-2.0 */
/* alert: moat alert: what is the matter, who knows, and does word get out. */
#include "cli/alert_digest.h"
#include "cli/alert_recipient.h"
#include "cli/alert_test.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/report_explain.h"
#include "cli/report_query.h"
#include "cli/table.h"

#include "base/poison.h"

static const struct arg_row list_options[] = {
	{ "closed", NULL, "closed ones too", 0, false },
	REPORT_TENANT,
	{},
};
static const struct arg_row tenant_options[] = {
	REPORT_TENANT,
	{},
};

static void print_list(struct cli *cli, const struct json *answer)
{
	static const char *const heads[] = { "ID", "SINCE", "DOMAIN", "KIND",
		"STATE", "WHAT" };
	struct table t = table_of(cli->arena, heads, 6);
	const struct json *v = json_first(answer, "alerts");

	for (; v != NULL; v = v->next) {
		struct table_row *row = table_add(&t);

		row->cells[0] = table_text(&t, json_get_str(v, "id"));
		row->cells[1] = str_of(
			client_time(cli, client_int(v, "opened")));
		row->cells[2] = table_text(&t, json_get_str(v, "domain"));
		row->cells[3] = table_text(&t, json_get_str(v, "kind"));
		row->cells[4] = table_text(&t, json_get_str(v, "state"));
		row->cells[5] = table_text(&t, json_get_str(v, "what"));
	}
	if (t.n == 0)
		(void)fprintf(cli->out, "No alerts.\n");
	else
		table_print(cli, &t, "");
}

static int run_list(struct cli *cli, const struct args *args)
{
	struct report_query q = report_query_begin(cli, "/api/v1/alerts");
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code = report_query_tenant(cli, args, &q);

	if (code != CLI_GOOD)
		return code;
	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	report_query_add(
		&q, "closed", args_flag(args, "closed") ? "yes" : NULL);
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		print_list(cli, answer);
	return code;
}

static void print_notices(struct cli *cli, const struct json *answer)
{
	static const char *const heads[] = { "SAYS", "BY", "STATE", ">TRIES",
		"WHEN", "ERROR" };
	struct table t = table_of(cli->arena, heads, 6);
	const struct json *v = json_first(answer, "notices");

	for (; v != NULL; v = v->next) {
		struct table_row *row = table_add(&t);
		int64_t done = client_int(v, "done");

		row->cells[0] = table_text(&t, json_get_str(v, "event"));
		row->cells[1] = table_text(&t, json_get_str(v, "channel"));
		row->cells[2] = table_text(&t, json_get_str(v, "state"));
		row->cells[3] = table_number(&t, client_int(v, "attempts"));
		row->cells[4] = str_of(client_time(
			cli, done > 0 ? done : client_int(v, "next")));
		row->cells[5] = table_text(&t, json_get_str(v, "error"));
	}
	if (t.n > 0)
		table_print(cli, &t, "");
	else
		(void)fprintf(cli->out,
			"Nothing was sent about it: moat alert recipient list "
			"says who is told.\n");
}

static void print_alert(struct cli *cli, const struct json *v)
{
	int64_t closed = client_int(v, "closed");

	(void)fprintf(cli->out, "%s %s: %s\n", client_text(cli, v, "domain"),
		client_text(cli, v, "kind"), client_text(cli, v, "what"));
	(void)fprintf(cli->out, "%s, opened %s\n", client_text(cli, v, "state"),
		client_time(cli, client_int(v, "opened")));
	if (client_int(v, "acknowledged") > 0)
		(void)fprintf(cli->out, "acknowledged %s by %s\n",
			client_time(cli, client_int(v, "acknowledged")),
			client_text(cli, v, "actor"));
	if (closed > 0)
		(void)fprintf(cli->out, "last closed by itself %s\n",
			client_time(cli, closed));
	print_notices(cli, v);
}

/* What to do, as the mail says it, and where to look next. */
static void print_meaning(struct cli *cli, const struct json *v)
{
	struct str type = json_get_str(v, "item");

	if (report_explain_result(cli, type))
		(void)fprintf(cli->out,
			"  see         moat report failures --domain %s "
			"--result %.*s\n",
			client_text(cli, v, "domain"), STR_ARG(type));
}

static bool is_id(const char *s)
{
	struct str id = str_of(s);

	for (size_t i = 0; i < id.n; i++)
		if (!chr_is_alnum(id.p[i]))
			return false;
	return id.n > 0;
}

static int run_one(struct cli *cli, const struct args *args, const char *method,
	const char *verb)
{
	struct client_call call = { .method = method };
	const struct json *answer;
	struct report_query q;
	int code;

	if (args->words.n != 1 || !is_id(args->words.items[0]))
		return cli_usage(cli, "the id of one alert is needed, as moat "
				      "alert list shows it");
	q = report_query_begin(cli, "/api/v1/alerts/");
	sbuf_addz(&q.b, args->words.items[0]);
	sbuf_addz(&q.b, verb);
	code = report_query_tenant(cli, args, &q);
	if (code != CLI_GOOD)
		return code;
	call.path = report_query_path(&q);
	if (verb[0] != '\0')
		call.body = STR("{}");
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	print_alert(cli, answer);
	if (verb[0] == '\0')
		print_meaning(cli, answer);
	return code;
}

static int run_show(struct cli *cli, const struct args *args)
{
	return run_one(cli, args, "GET", "");
}

static int run_ack(struct cli *cli, const struct args *args)
{
	return run_one(cli, args, "POST", "/ack");
}

static const struct command verbs[] = {
	{ "list", "", "What is the matter, newest first", list_options, NULL,
		run_list },
	{ "show", "ID", "One alert, and what was sent about it", tenant_options,
		NULL, run_show },
	{ "ack", "ID", "A person knows: send no more about it", tenant_options,
		NULL, run_ack },
	{ "digest", "", "What a digest mail says, or send it",
		alert_digest_options, NULL, alert_digest_run },
	{ "options", "", "How often there is a digest, and when no mail",
		alert_options_options, NULL, alert_options_run },
	{ "recipient", "", "Who is told", NULL, alert_recipient_verbs, NULL },
	{ "test", "mail|webhook", "Send a trial message, show the real error",
		alert_test_options, NULL, alert_test_run },
	{},
};

const struct command cmd_alert = {
	.name = "alert",
	.words = "",
	.summary = "What reports show to be wrong, and who is told",
	.verbs = verbs,
};
