// How often this program has asked for memory, by new or by malloc.
#pragma once

long allocations();
