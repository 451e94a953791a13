#include "replication/replicator.hpp"
