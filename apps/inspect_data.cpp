#include <vcflash/app/inspect_data_main.hpp>

int main(int argc, char** argv) { return vcflash::app::inspect_data_main(argc, argv); }
