/* SPDX-License-Identifier: Apache-2.0 */
/* alert_recipient: who is told of a tenant's alerts, and when. */
#include "base/bug.h"
#include "cli/alert_recipient.h"
#include "cli/client.h"
#include "cli/report_query.h"
#include "cli/table.h"

#include "base/poison.h"

#define RECIPIENTS "/api/v1/alerts/recipients"
#define OPTIONS "/api/v1/alerts/options"
#define BODY_BYTES_MAX 8192u

static const struct arg_row tenant_options[] = {
	REPORT_TENANT,
	{},
};

const struct arg_row alert_options_options[] = {
	{ "digest", "WHEN",
		"how often a mail sums up: never, daily, weekly, both or usual",
		0, false },
	{ "quiet", "HOURS",
		"no mail in these hours, in UTC, as 22:00-06:00; none or usual",
		0, false },
	REPORT_TENANT,
	{},
};

/* {"name": "value", ...}; a value that is NULL is left out. */
static struct str body_of(struct cli *cli, const char *name_1, const char *v_1,
	const char *name_2, const char *v_2)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	if (v_1 != NULL)
		json_put_z(&w, name_1, v_1);
	if (v_2 != NULL)
		json_put_z(&w, name_2, v_2);
	json_close_object(&w);
	return sbuf_ok(&b) ? sbuf_str(&b) : (struct str){};
}

static void print_recipients(struct cli *cli, const struct json *answer)
{
	static const char *const heads[] = { "BY", "TO" };
	struct table t = table_of(cli->arena, heads, 2);
	const struct json *v = json_first(answer, "recipients");

	for (; v != NULL; v = v->next) {
		struct table_row *row = table_add(&t);

		row->cells[0] = table_text(&t, json_get_str(v, "channel"));
		row->cells[1] = table_text(&t, json_get_str(v, "target"));
	}
	if (t.n == 0) {
		(void)fprintf(cli->out, "Nobody is told.\n");
		return;
	}
	table_print(cli, &t, "");
	if (!json_true(json_get(answer, "own")))
		(void)fprintf(cli->out, "(as moat.conf says: the tenant has "
					"none of its own)\n");
}

/* Makes the call, of the tenant that --tenant names. */
static int ask(struct cli *cli, const struct args *args, struct report_query *q,
	struct client_call *call, const struct json **out)
{
	int code = report_query_tenant(cli, args, q);

	if (code != CLI_GOOD)
		return code;
	call->path = report_query_path(q);
	return client_do(cli, call, out);
}

static int run_list(struct cli *cli, const struct args *args)
{
	struct report_query q = report_query_begin(cli, RECIPIENTS);
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	code = ask(cli, args, &q, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		print_recipients(cli, answer);
	return code;
}

static bool has_words(const struct args *args)
{
	struct str channel;

	if (args->words.n != 2)
		return false;
	channel = str_of(args->words.items[0]);
	return str_eq(channel, STR("mail")) || str_eq(channel, STR("webhook"));
}

static int wrong_words(struct cli *cli)
{
	return cli_usage(cli, "mail and an address, or webhook and an https "
			      "URL, are needed");
}

static int run_add(struct cli *cli, const struct args *args)
{
	struct report_query q = report_query_begin(cli, RECIPIENTS);
	struct client_call call = { .method = "POST" };
	const struct json *answer;
	int code;

	if (has_words(args))
		call.body = body_of(cli, "channel", args->words.items[0],
			"target", args->words.items[1]);
	if (call.body.p == NULL)
		return wrong_words(cli);
	code = ask(cli, args, &q, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	(void)fprintf(cli->out, "%s is told from now on.\n",
		client_text(cli, answer, "target"));
	if (json_get(answer, "key") != NULL)
		(void)fprintf(cli->out,
			"The key it checks signatures with, shown only now: "
			"%s\n",
			client_text(cli, answer, "key"));
	return code;
}

static int run_remove(struct cli *cli, const struct args *args)
{
	struct report_query q = report_query_begin(cli, RECIPIENTS);
	struct client_call call = { .method = "DELETE" };
	const struct json *answer;
	int code;

	if (!has_words(args))
		return wrong_words(cli);
	report_query_add(&q, "channel", args->words.items[0]);
	report_query_add(&q, "target", args->words.items[1]);
	code = ask(cli, args, &q, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		print_recipients(cli, answer);
	return code;
}

/* What is in effect, and whether that is the tenant's own. */
static void print_option(struct cli *cli, const struct json *answer,
	const char *name, const char *now)
{
	(void)fprintf(cli->out, "%s: %s%s\n", name,
		json_get_str(answer, now).n > 0 ? client_text(cli, answer, now)
						: "none",
		str_eq(json_get_str(answer, name), STR("usual"))
			? " (as moat.conf says)"
			: "");
}

int alert_options_run(struct cli *cli, const struct args *args)
{
	const char *digest = args_get(args, "digest");
	const char *quiet = args_get(args, "quiet");
	struct report_query q = report_query_begin(cli, OPTIONS);
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	if (digest != NULL || quiet != NULL) {
		call.method = "POST";
		call.body = body_of(cli, "digest", digest, "quiet", quiet);
		if (call.body.p == NULL)
			return cli_usage(cli, "that is too long");
	}
	code = ask(cli, args, &q, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	print_option(cli, answer, "digest", "digest_now");
	print_option(cli, answer, "quiet", "quiet_now");
	return code;
}

const struct command alert_recipient_verbs[] = {
	{ "add", "mail|webhook TARGET", "Tell this address or URL, too",
		tenant_options, NULL, run_add },
	{ "list", "", "Who is told", tenant_options, NULL, run_list },
	{ "remove", "mail|webhook TARGET", "Tell it no more", tenant_options,
		NULL, run_remove },
	{},
};
