/* SPDX-License-Identifier: Apache-2.0 */
/* audit: moat audit: when, who, what, to which domain. */
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/report_query.h"
#include "cli/table.h"

#include "base/poison.h"

static const struct arg_row options[] = {
	{ "domain", "DOMAIN", "only what was done to this domain", 0, false },
	{ "limit", "N", "at most so many, the newest first", 0, false },
	{},
};

static void print_all(struct cli *cli, const struct json *answer)
{
	static const char *const heads[] = { "WHEN", "WHO", "WHAT", "TO",
		"DETAIL" };
	struct table t = table_of(cli->arena, heads, 5);
	const struct json *v = json_first(answer, "audit");

	for (; v != NULL; v = v->next) {
		struct table_row *row = table_add(&t);

		row->cells[0] = str_of(client_time(cli, client_int(v, "at")));
		row->cells[1] = table_text(&t, json_get_str(v, "actor"));
		row->cells[2] = table_text(&t, json_get_str(v, "action"));
		row->cells[3] = table_text(&t, json_get_str(v, "object"));
		row->cells[4] = table_text(&t, json_get_str(v, "detail"));
	}
	if (t.n == 0)
		(void)fprintf(cli->out, "Nothing has been changed.\n");
	else
		table_print(cli, &t, "");
}

static int run(struct cli *cli, const struct args *args)
{
	struct report_query q = report_query_begin(cli, "/api/v1/audit");
	struct client_call call = { .method = "GET" };
	const struct json *answer;
	int code = report_query_domain(cli, args, &q);

	if (code == CLI_GOOD)
		code = report_query_limit(cli, args, &q);
	if (code != CLI_GOOD)
		return code;
	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	call.path = report_query_path(&q);
	code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		print_all(cli, answer);
	return code;
}

const struct command cmd_audit = {
	.name = "audit",
	.words = "",
	.summary = "Who changed what, and when",
	.options = options,
	.run = run,
};
