#include "processors.hpp"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <thread>

namespace fastlstm {

namespace {

constexpr double kNoQuota = std::numeric_limits<double>::infinity();

int in_affinity() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    const unsigned hardware = std::thread::hardware_concurrency();
    return hardware ? static_cast<int>(hardware) : 1;
}

double in_use(double time, double period) { return time > 0 && period > 0 ? time / period : kNoQuota; }

// Version 2 of control groups: "max 100000", or microseconds of a period.
double quota_of_unified(const std::string& group) {
    std::ifstream file(group + "/cpu.max");
    double time = 0, period = 0;
    return file >> time >> period ? in_use(time, period) : kNoQuota;
}

// Version 1: -1 is no quota.
double quota_of_controller(const std::string& group) {
    std::ifstream time_file(group + "/cpu.cfs_quota_us"), period_file(group + "/cpu.cfs_period_us");
    double time = 0, period = 0;
    return time_file >> time && period_file >> period ? in_use(time, period) : kNoQuota;
}

// The least of a group and all above it, up to the mount. A container may see its own group as the mount and still be
// told the path it has outside; then what is not there grants all.
template <class Quota>
double least(const std::string& mount, std::string path, const Quota& quota) {
    double found = quota(mount);
    for (; path.size() > 1; path.resize(path.rfind('/'))) found = std::min(found, quota(mount + path));
    return found;
}

// What the groups of /proc/self/cgroup grant, lines "number:controllers:/path"; those of version 2 name none.
double granted_by_groups(const std::string& root) {
    std::ifstream groups(root + "/proc/self/cgroup");
    const std::string mount = root + "/sys/fs/cgroup";
    double found = kNoQuota;
    for (std::string number, controllers, path;
         std::getline(groups, number, ':') && std::getline(groups, controllers, ':') && std::getline(groups, path);) {
        if (path.empty() || path[0] != '/') continue;
        if (controllers.empty()) {
            found = std::min(found, least(mount, path, quota_of_unified));
        } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
            found = std::min(found, least(mount + "/cpu", path, quota_of_controller));
        }
    }
    return found;
}

}  // namespace

int processors(const std::string& root) {
    const double granted = std::max(1.0, granted_by_groups(root));
    return static_cast<int>(std::min(static_cast<double>(in_affinity()), granted));
}

}  // namespace fastlstm
