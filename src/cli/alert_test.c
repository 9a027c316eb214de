/* SPDX-License-Identifier: Apache-2.0 */
/* alert_test: moat alert test: to whom moat.conf names, or to a tenant's own.
 */
#include "cli/alert_test.h"

#include "cli/client.h"
#include "cli/report_query.h"

#include "base/poison.h"

#define TRIAL_S 45 /* longer than one message may take */
#define BODY_BYTES_MAX 8192u

const struct arg_row alert_test_options[] = {
	{ "tenant", "TENANT", "whom this tenant has told, one by one", 0,
		false },
	{},
};

static bool is_waiting(const struct json *notice)
{
	return str_eq(json_get_str(notice, "state"), STR("waiting"));
}

/* The target empty: to whom moat.conf names. */
static struct str body_of(
	struct cli *cli, const char *channel, struct str target)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "channel", channel);
	if (target.n > 0)
		json_put_str(&w, "target", target);
	json_close_object(&w);
	return sbuf_str(&b);
}

static int print_result(
	struct cli *cli, const char *whom, const struct json *answer)
{
	if (str_eq(json_get_str(answer, "state"), STR("sent"))) {
		if (!cli->json)
			(void)fprintf(cli->out,
				"%s: the trial message was taken.\n", whom);
		return CLI_GOOD;
	}
	if (!cli->json)
		(void)fprintf(cli->err, "moat: %s: %s\n", whom,
			is_waiting(answer)
				? "nobody sent it; does the role notify run?"
				: client_text(cli, answer, "error"));
	return is_waiting(answer) ? CLI_UNTESTED : CLI_ERRORS;
}

static int try_one(struct cli *cli, const struct args *args,
	const char *channel, struct str target)
{
	struct client_call call = { .method = "POST",
		.body = body_of(cli, channel, target),
		.quiet = true };
	struct report_query q = report_query_begin(cli, "/api/v1/alerts/test");
	const struct json *answer;
	const char *whom = channel;
	int code = report_query_tenant(cli, args, &q);

	if (code != CLI_GOOD)
		return code;
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD)
		return code;
	if (target.n > 0)
		whom = client_text(cli, answer, "target");
	q = report_query_begin(
		cli, arena_fmt(cli->arena, "/api/v1/alerts/test/%s",
			     client_text(cli, answer, "id"))
			     .p);
	(void)report_query_tenant(cli, args, &q);
	code = client_wait(
		cli, report_query_path(&q), is_waiting, TRIAL_S, &answer);
	return code == CLI_GOOD ? print_result(cli, whom, answer) : code;
}

/* Each recipient of the tenant; the worst of what became of it. */
static int try_all(
	struct cli *cli, const struct args *args, const char *channel)
{
	struct client_call call = { .method = "GET", .quiet = true };
	struct report_query q = report_query_begin(
		cli, "/api/v1/alerts/recipients");
	int code = report_query_tenant(cli, args, &q), worst = CLI_GOOD;
	const struct json *answer, *v;
	size_t n = 0;

	if (code != CLI_GOOD)
		return code;
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD)
		return code;
	if (!json_true(json_get(answer, "own")))
		return try_one(cli, args, channel, STR(""));
	for (v = json_first(answer, "recipients"); v != NULL; v = v->next) {
		if (!str_eq(json_get_str(v, "channel"), str_of(channel)))
			continue;
		code = try_one(cli, args, channel, json_get_str(v, "target"));
		worst = code > worst ? code : worst;
		n++;
	}
	if (n > 0)
		return worst;
	(void)fprintf(cli->err,
		"moat: nobody is told by %s; moat alert recipient list shows "
		"who is\n",
		channel);
	return CLI_ERRORS;
}

int alert_test_run(struct cli *cli, const struct args *args)
{
	const char *channel;

	if (args->words.n != 1)
		return cli_usage(cli, "mail or webhook is needed");
	channel = args->words.items[0];
	if (!str_eq(str_of(channel), STR("mail")) &&
		!str_eq(str_of(channel), STR("webhook")))
		return cli_usage(cli, "mail or webhook is needed");
	if (args_get(args, "tenant") != NULL)
		return try_all(cli, args, channel);
	return try_one(cli, args, channel, STR(""));
}
