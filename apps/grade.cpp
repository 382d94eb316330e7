#include <vcflash/app/grade_main.hpp>

int main(int argc, char** argv) { return vcflash::app::grade_main(argc, argv); }
