/* SPDX-License-Identifier: Apache-2.0 */
/* main: the table of subcommands. */
#include "cli/cli.h"
#include "cli/commands.h"

#include "base/poison.h"

int main(int argc, char **argv)
{
	const struct command table[] = {
		cmd_lint,
		cmd_match,
		cmd_new,
		cmd_report,
		{},
	};

	return cli_main(table, argc, argv);
}
