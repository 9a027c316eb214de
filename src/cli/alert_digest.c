/* SPDX-License-Identifier: Apache-2.0 */
/* alert_digest: the digest mail of a day or a week, shown or sent. */
#include "base/bug.h"
#include "cli/alert_digest.h"
#include "cli/client.h"
#include "cli/report_query.h"

#include "base/poison.h"

#define PATH "/api/v1/alerts/digest"
#define BODY_BYTES_MAX 1024u

const struct arg_row alert_digest_options[] = {
	{ "weekly", NULL, "of a week, from Monday; otherwise of a day", 0,
		false },
	{ "day", "DAY", "of the day or week with this day in it, as 2026-11-21",
		0, false },
	{ "send", NULL, "send it now, whether it was sent or not", 0, false },
	REPORT_TENANT,
	{},
};

static struct str body_of(struct cli *cli, const char *period, const char *day)
{
	struct sbuf b = sbuf_arena(cli->arena, BODY_BYTES_MAX);
	struct json_writer w = json_writer_of(&b, 0);

	json_open_object(&w, NULL);
	json_put_z(&w, "period", period);
	if (day != NULL)
		json_put_str(&w, "day", str_upto(str_of(day), 20));
	json_close_object(&w);
	BUG(!sbuf_ok(&b));
	return sbuf_str(&b);
}

/* The text is printable ASCII in lines; it is printed as it is. */
static void print_digest(struct cli *cli, const struct json *answer)
{
	struct str text = json_get_str(answer, "text");

	(void)fprintf(cli->out, "%s%s%s\n\n", cli_bold(cli),
		client_text(cli, answer, "subject"), cli_plain(cli));
	for (size_t i = 0; i < text.n; i++)
		(void)fputc((text.p[i] >= ' ' && text.p[i] <= '~') ||
					    text.p[i] == '\n'
				    ? text.p[i]
				    : '?',
			cli->out);
}

int alert_digest_run(struct cli *cli, const struct args *args)
{
	const char *period = args_flag(args, "weekly") ? "weekly" : "daily";
	const char *day = args_get(args, "day");
	bool send = args_flag(args, "send");
	struct report_query q = report_query_begin(cli, PATH);
	struct client_call call = { .method = send ? "POST" : "GET" };
	const struct json *answer, *notices;
	int code = report_query_tenant(cli, args, &q);

	if (code != CLI_GOOD)
		return code;
	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	if (send) {
		call.body = body_of(cli, period, day);
	} else {
		report_query_add(&q, "period", period);
		report_query_add(&q, "day", day);
	}
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code != CLI_GOOD || cli->json)
		return code;
	print_digest(cli, answer);
	notices = json_get(answer, "notices");
	if (send && notices != NULL)
		(void)fprintf(cli->out, "\n%zu mail%s on the way.\n",
			notices->count, notices->count == 1 ? " is" : "s are");
	return code;
}
