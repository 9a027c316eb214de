/* SPDX-License-Identifier: Apache-2.0 */
/* domain_list: a row of the table for each domain. */
#include "cli/client.h"
#include "cli/domain_list.h"
#include "cli/pages.h"
#include "cli/table.h"

#include "base/poison.h"

static void print_rows(struct cli *cli, const struct json *answer,
	const struct json *d, bool on)
{
	static const char *const heads[] = { "DOMAIN", "STATE", "MODE",
		"POLICY", "CERTIFICATE UNTIL" };
	struct table t = table_of(cli->arena, heads, 5);

	(void)answer;
	t.no_heads = on;
	for (; d != NULL; d = d->next) {
		struct table_row *row = table_add(&t);
		const struct json *cert = json_get(d, "certificate");

		row->cells[0] = table_text(&t, json_get_str(d, "name"));
		row->cells[1] = table_text(&t, json_get_str(d, "state"));
		row->cells[2] = table_text(&t, json_get_str(d, "mode"));
		row->cells[3] = table_text(&t, json_get_str(d, "policy_id"));
		row->cells[4] = str_of(
			cert == NULL ? "-"
				     : client_time(cli,
					       client_int(cert, "not_after")));
	}
	table_print(cli, &t, "");
}

int domain_list_run(struct cli *cli, const struct args *args)
{
	static const struct pages pages = {
		.path = "/api/v1/domains?limit=1000",
		.member = "domains",
		.print = print_rows,
		.empty = "No domains yet. Begin with:  moat domain add DOMAIN",
	};

	if (args->words.n > 0)
		return cli_usage(cli, "it takes no arguments");
	return pages_print(cli, &pages);
}
