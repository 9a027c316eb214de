/* SPDX-License-Identifier: Apache-2.0 */
/* view: moat view rebuild. */
#include "cli/client.h"
#include "cli/commands.h"

#include "base/poison.h"

static int run_rebuild(struct cli *cli, const struct args *args)
{
	struct client_call call = { .method = "POST",
		.path = STR("/api/v1/view/rebuild"),
		.body = STR("{}") };
	const struct json *answer;
	int code;

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	code = client_do(cli, &call, &answer);
	if (code == CLI_GOOD && !cli->json)
		(void)fprintf(cli->out,
			"The keeper makes the view anew; hosting goes on from "
			"the old one until it is done.\nThat is when moat "
			"status shows the view at change %lld or later.\n",
			(long long)client_int(answer, "change"));
	return code;
}

static const struct command verbs[] = {
	{ "rebuild", "", "Make the view anew from the database", NULL, NULL,
		run_rebuild },
	{},
};

const struct command cmd_view = {
	.name = "view",
	.words = "",
	.summary = "What edge and dns serve from",
	.verbs = verbs,
};
