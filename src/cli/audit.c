/* SPDX-License-Identifier: Apache-2.0 */
/* audit: moat audit: when, who, what, to which domain. */
#include "base/bug.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "proto/host_name.h"

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
	struct client_call call = { .method = "GET" };
	const char *domain = args_get(args, "domain");
	const struct json *answer;
	struct str name = STR("");
	int64_t limit = 100;
	struct err e = {};
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	if (args_int(args, "limit", 1, 1000, &limit, &e) != ST_OK)
		return cli_usage(cli, "%s", e.text);
	if (domain != NULL &&
		host_name_parse(cli->arena, str_of(domain), &name, &e) != ST_OK)
		return cli_usage(cli, "%s: %s", domain, e.text);
	call.path = arena_fmt(cli->arena, "/api/v1/audit?limit=%lld%s%.*s",
		(long long)limit, domain != NULL ? "&domain=" : "",
		STR_ARG(name));
	BUG(call.path.p == NULL);
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
