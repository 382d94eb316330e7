#include <vcflash/app/compare_main.hpp>

int main(int argc, char** argv) { return vcflash::app::compare_main(argc, argv); }
