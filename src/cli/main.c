/* SPDX-License-Identifier: Apache-2.0 */
/* main: the table of subcommands. */
#include "cli/cli.h"
#include "cli/commands.h"

#include "base/poison.h"

int main(int argc, char **argv)
{
	const struct command table[] = {
		cmd_alert,
		cmd_audit,
		cmd_cache,
		cmd_doctor,
		cmd_domain,
		cmd_explain,
		cmd_held,
		cmd_lint,
		cmd_match,
		cmd_new,
		cmd_report,
		cmd_rule,
		cmd_setup,
		cmd_status,
		cmd_view,
		{},
	};

	return cli_main(table, argc, argv);
}
