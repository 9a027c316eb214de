/* SPDX-License-Identifier: Apache-2.0 */
/* report_import: moat report import, replay and list, through the running
 * system. */
#pragma once

#include "cli/cli.h"

/* The commands; an exit code. */
int report_import_run(struct cli *cli, const struct args *args);
int report_replay_run(struct cli *cli, const struct args *args);
int report_list_run(struct cli *cli, const struct args *args);
int report_unreadable_run(struct cli *cli, const struct args *args);

extern const struct arg_row report_replay_options[];
extern const struct arg_row report_list_options[];
extern const struct arg_row report_unreadable_options[];
